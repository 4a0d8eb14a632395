import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that tells who looks at its dashboard what a test has it tell. */
export class ScriptedFeed {
  readonly port: number;
  readonly asked: IncomingHttpHeaders[] = [];
  /** What those are told first who come from now on. */
  greeting: readonly (readonly [name: string, value: unknown])[] = [];
  /** What is answered instead of a stream; null: a stream. */
  refusal: { readonly status: number; readonly body: string } | null = null;
  /** Who asks from now on is not answered. */
  isSilent = false;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(t: { teardown(end: () => void): void }, node: string): Promise<ScriptedFeed> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const feed = new ScriptedFeed(server);
    const user = { name: 'default', rights: ['read', 'write', 'admin'] };
    feed.greeting = [['hello', { node, version: '9.9.9', startedAtMs: Date.now(), isInCluster: false, user }]];
    server.on('request', (request, response) => {
      feed.asked.push(request.headers);
      const { refusal, isSilent } = feed;
      if (isSilent) return;
      if (refusal !== null) {
        response.writeHead(refusal.status, { 'Content-Type': 'application/problem+json' }).end(refusal.body);
        return;
      }
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('retry: 1000\n\n');
      feed.#streams.add(response);
      response.on('close', () => feed.#streams.delete(response));
      for (const [name, value] of feed.greeting) response.write(textOf(name, value));
    });
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    return feed;
  }

  get viewers(): number {
    return this.#streams.size;
  }

  tell(name: string, value: unknown): void {
    this.write(textOf(name, value));
  }

  write(text: string): void {
    for (const stream of this.#streams) stream.write(text);
  }

  /** Ends all that look. */
  cut(): void {
    this.#server.closeAllConnections();
  }
}

function textOf(name: string, value: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}
