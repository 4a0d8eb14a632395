import type { Config } from '../../config/options.ts';
import type { HttpLimits } from '../../protocol/http/limits.ts';
import type { EventFeedOptions } from './event-feed.ts';

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
  readonly events: EventFeedOptions;
  /** Clients that may have events, messages or a dashboard streamed to them at once. */
  readonly eventStreamsMax: number;
  /** Messages that one stream has not taken; it is closed beyond. */
  readonly streamBytesMax: number;
  /** Time that a graceful shutdown may take before the rest is cut off. */
  readonly drainTimeoutMs: number;
}

/** Limits that are not options of the server. */
const fixedLimits = { jsonDepthMax: 128, listingCountMax: 1000 } as const;

/**
 * What the server's options say of the HTTP front. `storeKeyBytesMax`: the longest key that the shards' memory takes,
 * which may be less than the option says where memory is small.
 */
export function httpFrontOptions(config: Config, storeKeyBytesMax: number): HttpFrontOptions {
  return {
    ...fixedLimits,
    host: config.bind,
    port: config.httpPort,
    keyBytesMax: Math.min(config.maxKey, storeKeyBytesMax),
    valueBytesMax: config.maxValue,
    batchOperationsMax: config.maxBatch,
    urlBytesMax: config.maxUrl,
    headerBytesMax: config.maxHeaders,
    bodyBytesMax: config.maxBody,
    bodiesBytesMax: config.maxBodies,
    unsentBytesMax: config.maxOutput,
    requestTimeoutMs: config.requestTimeout,
    replyTimeoutMs: config.replyTimeout,
    requestsInFlightMax: config.maxRequests,
    connectionsMax: config.maxConnections,
    events: {
      historyBytesMax: config.eventHistory,
      historyMs: config.eventHistoryTime,
      heartbeatMs: config.eventHeartbeat,
    },
    eventStreamsMax: config.maxEventStreams,
    streamBytesMax: config.maxClientOutput,
    drainTimeoutMs: config.drainTimeout,
  };
}
