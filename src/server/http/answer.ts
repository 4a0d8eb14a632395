import type { Deadline } from './deadlines.ts';
import type { HttpShared } from './shared.ts';
import type { UwsResponse } from './uws.ts';

/** Bodies up to this size are handed over whole, and the engine keeps what the socket does not take. */
const wholeBytesMax = 4096;
/**
 * One answer in so many finds out whether the socket is full, which costs more than to write it. A client that sends
 * requests without reading the answers is then closed at its next request, so that what it left unread stays bounded.
 */
const answersPerProbe = 16;
/** As {@link answersPerProbe} for answers without a body, for which the engine cannot be asked: the answer is the last. */
const bodilessPerClose = 1024;

let answers = 0;
let bodiless = 0;

/** Ends an answer whose head is written, in the request's handler or corked. `body` is copied where it has to wait. */
export function endAnswer(shared: HttpShared, response: UwsResponse, body: string | Uint8Array, waits: WaitPort): void {
  answers++;
  shared.countSent(typeof body === 'string' ? Buffer.byteLength(body) : body.length);
  if (shared.isDraining) {
    response.end(body, true);
    return;
  }
  const mayGrow = typeof body !== 'string' && body.length > wholeBytesMax;
  if (!mayGrow && answers % answersPerProbe !== 0) {
    response.end(body);
    return;
  }
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  if (bytes.length === 0) {
    response.end(bytes);
    return;
  }
  const [, isComplete] = response.tryEnd(bytes, bytes.length);
  if (!isComplete) new UnsentAnswer(shared, response, bytes, waits);
}

/** Ends an answer without a body: to HEAD, or a 304, with the length that GET would announce; else null for a 204. */
export function endBodiless(shared: HttpShared, response: UwsResponse, reportedBytes: number | null): void {
  bodiless++;
  const closes = shared.isDraining || bodiless % bodilessPerClose === 0;
  if (reportedBytes !== null) response.endWithoutBody(reportedBytes, closes);
  // The engine closes only what has a length, which is then a needless 0.
  else if (closes) response.end('', true);
  else response.endWithoutBody();
}

/** Keeps a request in flight whose answer has to wait. */
export interface WaitPort {
  /** Has `onGone` called when the connection is lost. The function returned is called when the answer is complete. */
  wait(response: UwsResponse, onGone: () => void): () => void;
}

/** For handlers that have attached no `onAborted` of their own. */
export function waitPortOf(shared: HttpShared): WaitPort {
  return {
    wait(response, onGone) {
      shared.inFlight++;
      response.onAborted(() => {
        shared.inFlight--;
        onGone();
      });
      return () => {
        shared.inFlight--;
      };
    },
  };
}

/** The part of an answer that a slow reader has not taken yet. */
class UnsentAnswer implements Deadline {
  readonly dueMs: number;
  readonly #shared: HttpShared;
  readonly #response: UwsResponse;
  readonly #rest: Uint8Array;
  readonly #restAt: number;
  readonly #totalBytes: number;
  readonly #done: () => void;

  constructor(shared: HttpShared, response: UwsResponse, body: Uint8Array, waits: WaitPort) {
    this.#shared = shared;
    this.#response = response;
    this.#totalBytes = body.length;
    this.#restAt = response.getWriteOffset();
    // The body's buffer is used again for the next answer.
    this.#rest = body.slice(this.#restAt);
    this.dueMs = performance.now() + shared.options.replyTimeoutMs;
    this.#done = waits.wait(response, () => this.#release());
    shared.unsentBytes += this.#rest.length;
    if (shared.unsentBytes > shared.options.unsentBytesMax) {
      response.close();
      return;
    }
    shared.deadlines.add(this);
    response.onWritable((offset) => this.#write(offset));
  }

  onDue(): void {
    this.#response.close();
  }

  #write(offset: number): boolean {
    const [isTaken, isComplete] = this.#response.tryEnd(this.#rest.subarray(offset - this.#restAt), this.#totalBytes);
    if (isComplete) {
      this.#release();
      this.#done();
    }
    return isTaken;
  }

  #release(): void {
    this.#shared.unsentBytes -= this.#rest.length;
    this.#shared.deadlines.delete(this);
  }
}
