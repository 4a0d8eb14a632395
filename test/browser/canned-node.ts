import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { FeedEvents } from '../../src/monitoring/dashboard/feed.ts';

const PAGE = fileURLToPath(new URL('../../src/monitoring/dashboard/page/', import.meta.url));
const UPLOT = fileURLToPath(new URL('../../node_modules/uplot/dist/', import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
const POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'";

/**
 * The page, and behind it what a test says: what the node streams, with all that can be in it at once, failovers and
 * losses included, which real nodes would take minutes to come to.
 */
export class CannedNode {
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  readonly #events = new Map<string, unknown>();

  private constructor(events: Partial<FeedEvents>) {
    for (const [name, value] of Object.entries(events)) this.#events.set(name, value);
    this.#server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://node').pathname;
      if (path === '/v1/dashboard') this.#stream(response);
      else void sendFile(path === '/' ? '/dashboard/index.html' : path, response);
    });
  }

  static async start(events: Partial<FeedEvents>): Promise<CannedNode> {
    const node = new CannedNode(events);
    await new Promise<void>((resolve) => node.#server.listen(0, '127.0.0.1', resolve));
    return node;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Tells all pages that are open, and those that come. */
  tell<Name extends keyof FeedEvents>(name: Name, value: FeedEvents[Name]): void {
    this.#events.set(name, value);
    for (const stream of this.#streams) stream.write(eventText(name, value));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    for (const [name, value] of this.#events) response.write(eventText(name, value));
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }
}

function eventText(name: string, value: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}

async function sendFile(path: string, response: ServerResponse): Promise<void> {
  const name = /^\/dashboard\/([\w.-]+)$/.exec(path)?.[1] ?? '';
  const type = TYPES[name.split('.').at(-1) ?? ''];
  try {
    if (type === undefined) throw new Error('no such file');
    const bytes = await readFile(name.startsWith('uPlot.') ? UPLOT + name : PAGE + name);
    response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': POLICY }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}
