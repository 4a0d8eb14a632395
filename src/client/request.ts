import type { FluxCacheError } from './errors.ts';
import type { Endpoint } from './options.ts';

/** A connection, as far as those are concerned who are told what it brought. */
export interface AnswerSource {
  readonly endpoint: Endpoint;
}

/** What a connection sends, and tells of its fate: exactly one of `onAnswer` and `onLost` is called, unless it is settled. */
export interface Request {
  /** Method and parameters in MessagePack, as they stand behind the id. */
  readonly body: Uint8Array;
  /** Nobody waits for an answer any longer: it is not sent if it was not yet, and what is answered is dropped. */
  readonly isSettled: boolean;
  /** Set by the connection once the bytes are given to the socket. */
  wasSent: boolean;
  onAnswer(error: unknown, result: unknown, from: AnswerSource): void;
  /** The connection ended before the answer came. */
  onLost(error: FluxCacheError): void;
}
