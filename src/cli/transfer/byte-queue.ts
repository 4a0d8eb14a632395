const bytesAtFirst = 64 * 1024;

/** Bytes that arrive in pieces and are taken in other pieces, in one buffer that grows. */
export class ByteQueue {
  bytes: Uint8Array = new Uint8Array(bytesAtFirst);
  /** What is held is `bytes[start..end)`. */
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  /** Adds bytes, which are copied. What is held may lie elsewhere afterwards. */
  append(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.bytes.length) {
      const needed = this.length + chunk.length;
      const bytes = needed * 2 <= this.bytes.length ? this.bytes : new Uint8Array(Math.max(bytesAtFirst, needed * 2));
      bytes.set(this.bytes.subarray(this.start, this.end));
      this.bytes = bytes;
      this.end = this.length;
      this.start = 0;
    }
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** Lets go of all that is held in front of the offset. */
  dropTo(offset: number): void {
    this.start = offset;
  }
}
