import { ChangeKind, type ChangeListener } from '../base/change.ts';
import { copyBytes } from '../base/copy-bytes.ts';
import { CHANGE_HEAD_BYTES_MAX, UPKEEP_ROW, writeChangeHead } from './change-message.ts';
import type { ShardControl } from './shard-control.ts';

/** Changes are put together in messages of about this size; one whose key is longer has a message of its own. */
const MESSAGE_BYTES = 8192;
/** A buffer that grew beyond this is not kept. */
const BYTES_KEPT = 256 * 1024;

/** Where messages are sent to. */
export interface ChangeReceiver {
  notify(bytes: Uint8Array, start: number, end: number): void;
}

/**
 * What one command, or one step of upkeep, changed and some front end is interested in, in the form in which it is sent.
 * It grows with the keys of the command and with what was evicted for it.
 */
export class ChangeLog implements ChangeListener {
  /** The row that changes are put down to, but for those that nobody asked for. */
  row = UPKEEP_ROW;
  readonly #control: ShardControl;
  #bytes = new Uint8Array(MESSAGE_BYTES);
  #length = 0;
  /** Where the second message begins, the third, and so on. */
  readonly #cuts: number[] = [];
  #lastCut = 0;

  constructor(control: ShardControl) {
    this.#control = control;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get isListening(): boolean {
    return this.#control.interest !== 0;
  }

  onChange(kind: ChangeKind, bytes: Uint8Array, start: number, end: number, flags: number): void {
    // After the change was published, which is what makes it sound: see `ShardControl.interest`.
    if ((this.#control.interest & (1 << kind)) === 0) return;
    const keyBytes = end - start;
    const needed = CHANGE_HEAD_BYTES_MAX + keyBytes;
    if (this.#length + needed > this.#bytes.length) this.#grow(needed);
    if (this.#length - this.#lastCut + needed > MESSAGE_BYTES && this.#length > this.#lastCut) {
      this.#lastCut = this.#length;
      this.#cuts.push(this.#length);
    }
    const unasked = kind === ChangeKind.expired || kind === ChangeKind.evicted;
    const at = writeChangeHead(kind, flags, unasked ? UPKEEP_ROW : this.row, keyBytes, this.#bytes, this.#length);
    copyBytes(bytes, start, this.#bytes, at, keyBytes);
    this.#length = at + keyBytes;
  }

  mark(): number {
    return this.#length;
  }

  takeBack(mark: number): void {
    this.#length = mark;
    while (this.#lastCut > mark) {
      this.#cuts.pop();
      this.#lastCut = this.#cuts[this.#cuts.length - 1] ?? 0;
    }
  }

  sendTo(receiver: ChangeReceiver): void {
    let start = 0;
    for (const cut of this.#cuts) {
      receiver.notify(this.#bytes, start, cut);
      start = cut;
    }
    if (start < this.#length) receiver.notify(this.#bytes, start, this.#length);
  }

  clear(): void {
    this.#length = 0;
    this.#cuts.length = 0;
    this.#lastCut = 0;
    if (this.#bytes.length > BYTES_KEPT) this.#bytes = new Uint8Array(MESSAGE_BYTES);
  }

  #grow(needed: number): void {
    const bytes = new Uint8Array(2 ** Math.ceil(Math.log2(this.#length + needed)));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}
