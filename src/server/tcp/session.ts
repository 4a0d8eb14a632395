import type { ClientPort } from '../../command/connection.ts';

/** One protocol on one connection: decodes what arrives, has commands run, and writes what is to be sent. */
export interface Session {
  /** What CLIENT LIST shows of the connection. */
  readonly client: ClientPort;
  /** Takes bytes that arrived, all of them; the array is the caller's again when this returns. */
  receive(bytes: Uint8Array): void;
  /** Commands taken and not yet answered, and bytes kept that no command was made of yet. */
  readonly inFlight: number;
  readonly bufferedBytes: number;
  /** The connection is gone: gives back whatever was held for it. Replies that still come are dropped. */
  close(): void;
}

/** The connection a session writes to. */
export interface Output {
  /**
   * Room for `count` bytes at `bytes[returned..)`; what is written there is sent, in order, at the end of the turn. Take
   * `bytes` anew after each call.
   */
  reserve(count: number): number;
  readonly bytes: Uint8Array;
  /** Bytes reserved or written and not yet taken by the socket. */
  readonly unsentBytes: number;
  /** Takes back the last `count` bytes reserved, of a part that turned out shorter. */
  giveBack(count: number): void;
  /** Closes when all that was written is sent. */
  end(): void;
  /** Closes at once, for `reason`, which is logged. */
  destroy(reason: string): void;
  /** No more bytes are handed to `receive` until `resumeInput`: the session cannot take commands now. */
  pauseInput(): void;
  resumeInput(): void;
}
