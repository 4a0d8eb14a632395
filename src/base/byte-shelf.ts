import { copyBytes } from './copy-bytes.ts';

const PIECE_BYTES = 64 * 1024;

/**
 * Copies of ranges of bytes that are needed for a moment, one behind the other in pieces of memory. A piece lives as long as
 * somebody has a copy in it: so there is one allocation for thousands of small copies, and nothing to give back.
 */
export class ByteShelf {
  /** Where the last copy lies: `bytes[start..start + its length)`, and `words` over the same bytes. */
  bytes = new Uint8Array(PIECE_BYTES);
  words = new DataView(this.bytes.buffer);
  start = 0;
  #piece = this.bytes;
  #pieceWords = this.words;
  #used = 0;

  copy(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (count > PIECE_BYTES / 8) {
      // A large one lies alone, so that it keeps no others and none keeps it.
      this.bytes = source.slice(start, end);
      this.words = new DataView(this.bytes.buffer, this.bytes.byteOffset, count);
      this.start = 0;
      return;
    }
    if (count > PIECE_BYTES - this.#used) {
      this.#piece = new Uint8Array(PIECE_BYTES);
      this.#pieceWords = new DataView(this.#piece.buffer);
      this.#used = 0;
    }
    copyBytes(source, start, this.#piece, this.#used, count);
    this.bytes = this.#piece;
    this.words = this.#pieceWords;
    this.start = this.#used;
    this.#used += count;
  }
}
