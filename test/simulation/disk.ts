import type { SeededRandom } from './random.ts';
import type { Schedule } from './schedule.ts';

/** One file of a journal, as it is found after a start. */
export interface StoredFile {
  readonly generation: number;
  readonly bytes: Uint8Array;
}

export interface DiskWrite {
  /** `append`: to the file of this generation. `rewrite`: a new file, whole or not at all; older ones go. */
  readonly type: 'append' | 'rewrite';
  readonly generation: number;
  readonly bytes: Uint8Array;
}

export interface DiskQuality {
  /** Of each write with its sync. Milliseconds. */
  readonly syncMinMs: number;
  readonly syncMeanMs: number;
}

export interface DiskCounts {
  writes: number;
  /** Crashes that cut something off that was under way. */
  torn: number;
  queuedPeak: number;
}

interface Queued {
  readonly write: DiskWrite;
  readonly done: () => void;
  readonly failed: (reason: string) => void;
}

/**
 * The files of one node's journal. Writes are done one after the other and take their time. A crash may leave any part
 * of an append that was not yet synced: none, its first bytes, with zeros behind them where the file had grown before its
 * content came, or all; and of a rewrite nothing or all. What was synced stays, unless a bit is flipped.
 */
export class SimulatedDisk {
  readonly counts: DiskCounts = { writes: 0, torn: 0, queuedPeak: 0 };
  quality: DiskQuality;
  isFull = false;
  readonly #schedule: Schedule;
  readonly #random: SeededRandom;
  readonly #files = new Map<number, Uint8Array>();
  #queue: Queued[] = [];
  #isWriting = false;
  #life = 0;

  constructor(schedule: Schedule, random: SeededRandom, quality: DiskQuality) {
    this.#schedule = schedule;
    this.#random = random;
    this.quality = quality;
  }

  files(): StoredFile[] {
    return [...this.#files].map(([generation, bytes]) => ({ generation, bytes: bytes.slice() }));
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** How long a read of all of it takes. */
  readDelayMs(): number {
    return this.quality.syncMinMs + this.#random.exponential(this.quality.syncMeanMs);
  }

  write(write: DiskWrite, done: () => void, failed: (reason: string) => void): void {
    this.#queue.push({ write, done, failed });
    if (this.#queue.length > this.counts.queuedPeak) this.counts.queuedPeak = this.#queue.length;
    this.#next();
  }

  crash(): void {
    this.#life++;
    this.#isWriting = false;
    const under = this.#queue;
    this.#queue = [];
    for (const { write } of under) {
      // Later writes never reached the disk when an earlier one did not whole.
      if (!this.#land(write)) break;
    }
  }

  /** One bit of what is stored turns. False: there is nothing. */
  flipBit(): boolean {
    const files = [...this.#files.values()].filter((bytes) => bytes.length > 0);
    if (files.length === 0) return false;
    const bytes = this.#random.pick(files);
    const at = this.#random.integer(0, bytes.length - 1);
    bytes[at] = (bytes[at] as number) ^ (1 << this.#random.integer(0, 7));
    return true;
  }

  erase(): void {
    this.#files.clear();
  }

  #next(): void {
    const first = this.#queue[0];
    if (this.#isWriting || first === undefined) return;
    this.#isWriting = true;
    const life = this.#life;
    this.#schedule.after(this.readDelayMs(), () => {
      if (life !== this.#life) return;
      this.#isWriting = false;
      if (this.isFull) {
        first.failed('no space left on the disk');
        return;
      }
      this.#queue.shift();
      this.#store(first.write, first.write.bytes);
      if (first.write.type === 'rewrite') this.#deleteBefore(first.write.generation);
      this.counts.writes++;
      first.done();
      this.#next();
    });
  }

  /** What a crash leaves of a write; true when it is all there. */
  #land(write: DiskWrite): boolean {
    const random = this.#random;
    const dice = random.fraction();
    if (dice < 0.3 || this.isFull) return false;
    if (dice < 0.6) {
      this.#store(write, write.bytes);
      if (write.type === 'rewrite' && random.chance(0.5)) this.#deleteBefore(write.generation);
      return true;
    }
    if (write.type === 'rewrite') return false;
    this.counts.torn++;
    const kept = random.integer(0, write.bytes.length);
    const left = write.bytes.slice(0, random.chance(0.3) ? write.bytes.length : kept);
    left.fill(0, kept);
    this.#store(write, left);
    return false;
  }

  #store({ type, generation }: DiskWrite, bytes: Uint8Array): void {
    const before = type === 'append' ? this.#files.get(generation) : undefined;
    if (before === undefined) {
      this.#files.set(generation, bytes.slice());
      return;
    }
    const joined = new Uint8Array(before.length + bytes.length);
    joined.set(before);
    joined.set(bytes, before.length);
    this.#files.set(generation, joined);
  }

  #deleteBefore(generation: number): void {
    for (const other of [...this.#files.keys()]) if (other < generation) this.#files.delete(other);
  }
}
