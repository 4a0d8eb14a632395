/** Frames that wait for a disk that fails, the oldest first. */
export class FrameQueue {
  readonly #bytesMax: number;
  #frames: WaitingFrame[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  get first(): WaitingFrame | undefined {
    return this.#frames[0];
  }

  /** Takes a copy of a frame; false: too much waits. One may wait, however large it is. */
  add(frame: Uint8Array, next: number): boolean {
    if (!this.isEmpty && this.#bytes + frame.length > this.#bytesMax) return false;
    this.#frames.push({ frame: frame.slice(), next });
    this.#bytes += frame.length;
    return true;
  }

  removeFirst(): void {
    this.#bytes -= this.#frames.shift()?.frame.length ?? 0;
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }
}

interface WaitingFrame {
  readonly frame: Uint8Array;
  /** Number of the record behind its last. */
  readonly next: number;
}
