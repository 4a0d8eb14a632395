/** The first piece of a turn: what most connections send, so that a message to thousands of them takes little memory. */
const FIRST_PIECE_BYTES = 8 * 1024;
/** A further piece. What is reserved beyond it gets a piece of its own size. */
const PIECE_BYTES = 64 * 1024;
/** Pieces kept for the next connection that has something to send: 16 MiB and 4 MiB. */
const FIRST_PIECES_KEPT = 2048;
const PIECES_KEPT = 64;

/** Pieces of output that are not in use, shared by the connections of a front: idle connections hold none. */
export class OutputPool {
  readonly #firsts: Uint8Array[] = [];
  readonly #free: Uint8Array[] = [];

  takeFirst(bytes: number): Uint8Array {
    if (bytes > FIRST_PIECE_BYTES) return this.take(bytes);
    return this.#firsts.pop() ?? Buffer.allocUnsafeSlow(FIRST_PIECE_BYTES);
  }

  take(bytes: number): Uint8Array {
    if (bytes > PIECE_BYTES) return Buffer.allocUnsafeSlow(bytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
  }

  /** Gives back a piece that nobody reads any more. */
  give(piece: Uint8Array): void {
    if (piece.length === FIRST_PIECE_BYTES && this.#firsts.length < FIRST_PIECES_KEPT) this.#firsts.push(piece);
    else if (piece.length === PIECE_BYTES && this.#free.length < PIECES_KEPT) this.#free.push(piece);
  }
}

const nothing = new Uint8Array(0);

/** What is to be sent at the end of the turn: filled pieces first, then the one being filled. */
export class OutputBuffer {
  /** The piece being filled. */
  bytes: Uint8Array = nothing;
  readonly #pool: OutputPool;
  readonly #full: Uint8Array[] = [];
  readonly #lengths: number[] = [];
  #fullBytes = 0;
  #used = 0;

  constructor(pool: OutputPool) {
    this.#pool = pool;
  }

  get length(): number {
    return this.#fullBytes + this.#used;
  }

  /** Room for `count` bytes at `bytes[returned..)`. */
  reserve(count: number): number {
    const at = this.#used;
    const end = at + count;
    if (end <= this.bytes.length) {
      this.#used = end;
      return at;
    }
    this.#turnOver();
    this.bytes = this.#full.length === 0 ? this.#pool.takeFirst(count) : this.#pool.take(count);
    this.#used = count;
    return 0;
  }

  giveBack(count: number): void {
    this.#used -= count;
  }

  /** Hands everything to `write`, piece by piece, and is empty then. `write` answers whether it is done with the bytes. */
  drain(write: (bytes: Uint8Array) => boolean): void {
    this.#turnOver();
    for (let index = 0; index < this.#full.length; index++) {
      const piece = this.#full[index] as Uint8Array;
      const length = this.#lengths[index] as number;
      if (write(length === piece.length ? piece : piece.subarray(0, length))) this.#pool.give(piece);
    }
    this.#full.length = 0;
    this.#lengths.length = 0;
    this.#fullBytes = 0;
  }

  /** Forgets what was not sent. */
  clear(): void {
    this.drain(() => true);
  }

  #turnOver(): void {
    const piece = this.bytes;
    if (piece === nothing) return;
    if (this.#used === 0) {
      this.#pool.give(piece);
    } else {
      this.#full.push(piece);
      this.#lengths.push(this.#used);
      this.#fullBytes += this.#used;
    }
    this.bytes = nothing;
    this.#used = 0;
  }
}
