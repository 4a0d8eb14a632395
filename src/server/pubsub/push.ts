import { ReplyReader, type ReplyWriter } from '../../command/reply.ts';
import type { AccessUser } from '../access/rights.ts';

/** How one version of one protocol writes a push. */
export interface PushFormat {
  /** Tells the formats apart: one of {@link pushFormatIndex}. */
  readonly index: number;
  /** The bytes of the push, in an array of their own. `reader` is on its first part. */
  encode(reader: ReplyReader): Uint8Array;
}

export const pushFormatIndex = { resp2: 0, resp3: 1, msgpack: 2, eventStream: 3 } as const;

const reader = new ReplyReader();

/**
 * What is sent to connections unasked: the message of a channel, an invalidation. Built once and encoded once a format,
 * for however many connections it is: each copies the same bytes.
 */
export class Push {
  readonly #reply: Uint8Array;
  readonly #encoded: (Uint8Array | undefined)[] = [];

  /** Copies what was written: one part of kind `push`, whose first element names what is pushed. */
  constructor(written: ReplyWriter) {
    this.#reply = Buffer.from(written.bytes.subarray(0, written.length));
  }

  /** Not to be written to. */
  encodedAs(format: PushFormat): Uint8Array {
    const known = this.#encoded[format.index];
    if (known !== undefined) return known;
    reader.open(this.#reply, 0, this.#reply.length);
    const bytes = format.encode(reader);
    this.#encoded[format.index] = bytes;
    return bytes;
  }
}

/** A connection as those see it who send pushes to it: implemented by the session of its protocol. */
export interface PushTarget {
  /** The connection's number. */
  readonly id: number;
  /** The version of RESP it speaks now; 3 for protocols that can push at any time. */
  readonly resp: 2 | 3;
  /** Whose connection it is; null before one logged in where credentials are asked for. */
  readonly user: Pick<AccessUser, 'mayUseKey'> | null;
  /**
   * How many commands were taken from the connection, the one being run included, and how many of the first of them are
   * answered: their replies are written to the output.
   */
  readonly taken: number;
  readonly answered: number;
  /** Writes the push to the output at once, behind what was written before. */
  send(push: Push): void;
  /** Calls `task` once every command taken so far is answered: at once when they are. */
  whenAnswered(task: () => void): void;
}
