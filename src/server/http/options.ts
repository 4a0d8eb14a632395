import type { HttpLimits } from '../../protocol/http/limits.ts';

/** What the HTTP front may use up. Bytes, milliseconds, counts. */
export interface HttpFrontOptions extends HttpLimits {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Path and query of a request, as sent. */
  readonly urlBytesMax: number;
  /** Request line and headers together, as far as the engine's build lets it be set. */
  readonly headerBytesMax: number;
  readonly bodyBytesMax: number;
  /** Bodies that are still arriving, over all connections. */
  readonly bodiesBytesMax: number;
  /** Answers that slow readers have not taken yet, over all connections. */
  readonly unsentBytesMax: number;
  /** Time for a whole request to arrive. */
  readonly requestTimeoutMs: number;
  /** Time for a whole answer to be taken. */
  readonly replyTimeoutMs: number;
  /** Requests that wait for a shard, over all connections. */
  readonly requestsInFlightMax: number;
  readonly connectionsMax: number;
  /** Keys that one page of a listing returns at most. */
  readonly listingCountMax: number;
  /** Time that a graceful shutdown may take before the rest is cut off. */
  readonly drainTimeoutMs: number;
}

const mib = 2 ** 20;

export const httpFrontDefaults: HttpFrontOptions = {
  host: '127.0.0.1',
  port: 8081,
  keyBytesMax: 65_535,
  valueBytesMax: 8 * mib,
  jsonDepthMax: 128,
  batchOperationsMax: 1000,
  urlBytesMax: 4096,
  headerBytesMax: 16_384,
  bodyBytesMax: 9 * mib,
  bodiesBytesMax: 256 * mib,
  unsentBytesMax: 256 * mib,
  requestTimeoutMs: 10_000,
  replyTimeoutMs: 30_000,
  requestsInFlightMax: 100_000,
  connectionsMax: 10_000,
  listingCountMax: 1000,
  drainTimeoutMs: 10_000,
};
