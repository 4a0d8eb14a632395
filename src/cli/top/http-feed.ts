import { type IncomingMessage, request as startRequest } from 'node:http';
import { ConnectionError, openSocket } from '../connection.ts';
import { printable } from '../reply-formats.ts';
import { addressText, type Target } from '../target.ts';
import { EventParser } from './event-parser.ts';
import { type Hello, type NewsEvent, newsOf } from './news.ts';

/** A node that serves says something each second: this long without a word is a connection that is gone. */
const SILENCE_MS_MAX = 10_000;
const REFUSAL_BYTES_MAX = 4096;

/** A source of news that is open: to be started once, and closed. */
export interface OpenFeed {
  /** `onNews` is told what came until now, and what comes; `onEnd` once, with a sentence, unless it is closed from this side. */
  start(onNews: (event: NewsEvent) => void, onEnd: (reason: string) => void): void;
  close(): void;
}

/** The stream that a node's dashboard is fed by: server-sent events of `GET /v1/dashboard`. */
export class HttpFeed implements OpenFeed {
  readonly hello: Hello;
  /** Its name in its cluster; null: none is told. */
  readonly self: string | null;
  readonly #response: IncomingMessage;
  #waiting: NewsEvent[];
  #onNews: ((event: NewsEvent) => void) | null = null;
  #onEnd: ((reason: string) => void) | null = null;
  #ended: string | null = null;

  private constructor(response: IncomingMessage, hello: Hello, waiting: NewsEvent[]) {
    this.#response = response;
    this.hello = hello;
    this.#waiting = waiting;
    const told = waiting.find((event) => event.name === 'cluster');
    this.self = told?.name === 'cluster' ? told.value.report.self : null;
  }

  /** Resolves once the node has said who it is. Throws a {@link ConnectionError} when there is no such stream. */
  static async open(target: Target): Promise<HttpFeed> {
    const response = await answerOf(target);
    const where = `HTTP at ${addressText(target)}`;
    if (response.statusCode !== 200 || !/^text\/event-stream/.test(response.headers['content-type'] ?? '')) {
      throw new ConnectionError(`${where} ${await refusalOf(response)}`);
    }
    return new Promise((resolve, reject) => {
      let feed: HttpFeed | null = null;
      const waiting: NewsEvent[] = [];
      const end = (what: string): void => {
        clearTimeout(silence);
        response.destroy();
        if (feed === null) reject(new ConnectionError(`${where} ${what}.`));
        else feed.#end(`${where} ${what}.`);
      };
      const parser = new EventParser((name, data) => {
        const event = newsOf(name, data);
        if (event === null) return;
        if (feed !== null) {
          feed.#take(event);
          return;
        }
        waiting.push(event);
        const hello = helloIn(waiting);
        if (hello === null || !isIntroduced(hello, event)) return;
        feed = new HttpFeed(response, hello, waiting);
        resolve(feed);
      });
      const silence = setTimeout(() => end('says nothing any more'), SILENCE_MS_MAX);
      response.on('data', (bytes: Buffer) => {
        // Until it has said who it is, what else comes is no sign of a node.
        if (feed !== null) silence.refresh();
        try {
          parser.push(bytes);
        } catch (error) {
          end(
            `tells something that this version does not understand (${error instanceof Error ? error.message : error})`,
          );
        }
      });
      response.on('error', () => undefined);
      response.on('close', () => end('closed the connection'));
    });
  }

  start(onNews: (event: NewsEvent) => void, onEnd: (reason: string) => void): void {
    this.#onNews = onNews;
    this.#onEnd = onEnd;
    for (const event of this.#waiting.splice(0)) onNews(event);
    if (this.#ended !== null) onEnd(this.#ended);
  }

  close(): void {
    this.#onNews = null;
    this.#onEnd = null;
    this.#waiting = [];
    this.#response.destroy();
  }

  #take(event: NewsEvent): void {
    if (this.#onNews === null) this.#waiting.push(event);
    else this.#onNews(event);
  }

  #end(reason: string): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    this.#onEnd?.(reason);
  }
}

function helloIn(events: readonly NewsEvent[]): Hello | null {
  const first = events.find((event) => event.name === 'hello');
  return first?.name === 'hello' ? first.value : null;
}

/** Whether a node has said who it is: in a cluster by what it tells of that, which comes before the next sample. */
function isIntroduced({ isInCluster }: Hello, { name }: NewsEvent): boolean {
  return !isInCluster || name === 'cluster' || name === 'sample';
}

async function answerOf(target: Target): Promise<IncomingMessage> {
  const { user, password } = target;
  const socket = await openSocket(target);
  const headers: Record<string, string> = { Host: addressText(target), Accept: 'text/event-stream' };
  if (password !== undefined) {
    headers['Authorization'] = `Basic ${Buffer.from(`${user ?? 'default'}:${password}`).toString('base64')}`;
  }
  return new Promise((resolve, reject) => {
    const failed = (what: string) => {
      socket.destroy();
      reject(new ConnectionError(`HTTP at ${addressText(target)} ${what}.`));
    };
    const request = startRequest({ path: '/v1/dashboard', headers, createConnection: () => socket });
    request.setTimeout(SILENCE_MS_MAX, () => failed('does not answer'));
    request.on('error', () => failed('closed the connection without an answer'));
    request.on('response', (response) => {
      // From now on it is the stream that is watched.
      request.setTimeout(0);
      resolve(response);
    });
    request.end();
  });
}

/** What an answer that is no stream says of why, for people; it is read no further than that. */
async function refusalOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('error', () => undefined);
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > REFUSAL_BYTES_MAX) break;
  }
  response.destroy();
  return `answered ${response.statusCode}${detailOf(Buffer.concat(chunks).toString('utf8'))}`;
}

/** The detail of a problem (RFC 9457); '.' when there is none. */
function detailOf(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    if (typeof detail === 'string') return `: ${printable(detail.slice(0, 200))}`;
  } catch {
    // Not of ours: what it says is for browsers.
  }
  return '.';
}
