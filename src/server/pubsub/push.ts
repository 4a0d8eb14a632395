import { ReplyReader, ReplyWriter } from '../../command/reply.ts';

/** How one version of one protocol writes a push. */
export interface PushFormat {
  /** Tells the formats apart: 0, 1, 2 … one each. */
  readonly index: number;
  /** The bytes of the push, in an array of their own. `reader` is on its first part. */
  encode(reader: ReplyReader): Uint8Array;
}

/** Formats that have an index of their own. */
export const pushFormatIndex = { resp2: 0, resp3: 1, msgpack: 2 } as const;

const reader = new ReplyReader();

/**
 * What is sent to connections unasked: the message of a channel, an invalidation. Built once and encoded once a format,
 * whoever many connections it is for: each copies the same bytes.
 */
export class Push {
  /** One part of kind `push`, whose first element names what is pushed. */
  readonly reply = new ReplyWriter(0);
  readonly #encoded: (Uint8Array | undefined)[] = [];

  /** Not to be written to. */
  encodedAs(format: PushFormat): Uint8Array {
    const known = this.#encoded[format.index];
    if (known !== undefined) return known;
    reader.openWritten(this.reply);
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

/** Tasks that wait until the replies owed when they came are written: what a session needs for `whenAnswered`. */
export class AfterReplies {
  readonly #tasks: { readonly taken: number; readonly task: () => void }[] = [];

  get isEmpty(): boolean {
    return this.#tasks.length === 0;
  }

  add(taken: number, task: () => void): void {
    this.#tasks.push({ taken, task });
  }

  /** To be called when a reply was written and there are tasks. */
  run(answered: number): void {
    while (this.#tasks.length > 0 && (this.#tasks[0]?.taken ?? 0) <= answered) this.#tasks.shift()?.task();
  }

  clear(): void {
    this.#tasks.length = 0;
  }
}
