import type { ByteStream } from './byte-stream.ts';

/** What serves an embedded client in place of a node. */
export interface Engine {
  /** A stream that says `connect`, and then is what a socket to a node would be. */
  open(): ByteStream;
  /** Ends it, when the client has let go of its streams. */
  stop(): Promise<void>;
}
