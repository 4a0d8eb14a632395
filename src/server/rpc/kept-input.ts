/** A join of pieces up to this size is done in a buffer that all connections share. */
const SHARED_BYTES = 256 * 1024;
const nothing = new Uint8Array(0);

let shared: Uint8Array | null = null;

/**
 * What a connection sent and its session could not take yet: the begin of a message, or messages that have to wait. At
 * most one message is kept beyond what came last, so that its limit bounds the memory.
 */
export class KeptInput {
  bytes: Uint8Array = nothing;
  /** What is kept is `bytes[start..end)`. */
  start = 0;
  end = 0;
  /** Whether `bytes` is a buffer made here, which may be written to. */
  #isOwn = false;

  get length(): number {
    return this.end - this.start;
  }

  /** Adds what arrived. `piece` is referred to until `settle`. */
  add(piece: Uint8Array): void {
    const kept = this.length;
    if (kept === 0) {
      // Ranges of a Buffer are Buffers, which cost more to make.
      this.bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.length);
      this.start = 0;
      this.end = piece.length;
      return;
    }
    const needed = kept + piece.length;
    let target = this.bytes;
    if (!this.#isOwn || needed > target.length) {
      target = this.#take(needed);
      target.set(this.bytes.subarray(this.start, this.end));
    } else if (this.end + piece.length > target.length || this.start > 0) {
      target.copyWithin(0, this.start, this.end);
    }
    target.set(piece, kept);
    this.bytes = target;
    this.#isOwn = true;
    this.start = 0;
    this.end = needed;
  }

  /** To be called when the session can take nothing more of what there is, `start` being moved on. */
  settle(): void {
    const { length } = this;
    const wasShared = this.#isOwn && this.bytes.length === SHARED_BYTES;
    if (length === 0) {
      if (wasShared) shared = this.bytes;
      this.bytes = nothing;
      this.#isOwn = false;
    } else if (wasShared || !this.#isOwn) {
      // The rest must hold neither the piece, which is read into again, nor the buffer that others want.
      const rest = new Uint8Array(this.bytes.subarray(this.start, this.end));
      if (wasShared) shared = this.bytes;
      this.bytes = rest;
      this.#isOwn = true;
      this.start = 0;
      this.end = length;
    }
  }

  clear(): void {
    this.start = this.end;
    this.settle();
  }

  #take(needed: number): Uint8Array {
    if (needed > SHARED_BYTES) return new Uint8Array(2 ** Math.ceil(Math.log2(needed)));
    const buffer = shared ?? new Uint8Array(SHARED_BYTES);
    shared = null;
    return buffer;
  }
}
