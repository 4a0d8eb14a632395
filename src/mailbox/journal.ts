import {
  DONE_WORD,
  EXECUTING_AT_WORD,
  EXECUTING_TAG_WORD,
  EXECUTING_WORD,
  JOURNAL_BYTES,
  RECORD_WORD,
  RECORD_WORDS,
} from './layout.ts';

export interface JournalHandle {
  readonly sab: SharedArrayBuffer;
}

export function createJournal(): JournalHandle {
  return { sab: new SharedArrayBuffer(JOURNAL_BYTES) };
}

/**
 * What an actor writes down, for its successor, about the messages it executes: written by the actor's thread alone
 * and read by the next one that takes its place (layout in `layout.ts`).
 *
 * A message is done, and its replies are sent, at one instant: the store of `done`, which at once selects the record
 * written before it. So a successor neither repeats a message nor answers one twice.
 */
export class Journal {
  readonly #words: Int32Array;
  #done: number;

  constructor(handle: JournalHandle) {
    this.#words = new Int32Array(handle.sab);
    // The predecessor's thread has ended; this orders our reads of the record after the store that selected it.
    this.#done = Atomics.load(this.#words, DONE_WORD);
  }

  /** The predecessor left a message unfinished. */
  get executing(): boolean {
    // Before the reads of `executingAt` and `executingTag`, which were written before it.
    return Atomics.load(this.#words, EXECUTING_WORD) === ((this.#done + 1) | 0);
  }

  get executingAt(): number {
    return this.#words[EXECUTING_AT_WORD] as number;
  }

  get executingTag(): number {
    return this.#words[EXECUTING_TAG_WORD] as number;
  }

  /** Position in the command ring after the messages done. */
  get commandCursor(): number {
    return this.#words[this.#record(this.#done)] as number;
  }

  /** Position in the reply ring after their replies. */
  get replyHead(): number {
    return this.#words[this.#record(this.#done) + 1] as number;
  }

  /** Before the first effect of the message at `position`, and before its room in the ring is given back. */
  begin(position: number, tag: number): void {
    this.#words[EXECUTING_AT_WORD] = position;
    this.#words[EXECUTING_TAG_WORD] = tag;
    // After the two words it vouches for, before whatever the message does to the store.
    Atomics.store(this.#words, EXECUTING_WORD, (this.#done + 1) | 0);
  }

  /** After the last effect of the message, when its replies are committed and before they are published. */
  done(commandCursor: number, replyHead: number): void {
    const done = (this.#done + 1) | 0;
    const record = this.#record(done);
    this.#words[record] = commandCursor;
    this.#words[record + 1] = replyHead;
    // After the record it selects and after the reply's bytes; before the reply can be seen.
    Atomics.store(this.#words, DONE_WORD, done);
    this.#done = done;
  }

  #record(done: number): number {
    return RECORD_WORD + (done & 1) * RECORD_WORDS;
  }
}
