import type { KeptItem } from '../../src/cluster/replication/kept-item.ts';
import { decodeKeptItem, encodeKeptItem } from '../../src/cluster/replication/kept-item-codec.ts';
import type { SimulatedDisk } from './disk.ts';
import type { SeededRandom } from './random.ts';
import type { Schedule } from './schedule.ts';

interface Written {
  readonly partition: number;
  readonly bytes: Uint8Array;
}

/** How often a disk without room is tried again. */
const RETRY_MS = 40;

/**
 * The log of a node's keys on its disk: items one behind the other, made durable together, as many as there are. A crash
 * leaves what was durable and any first part of the rest. With the disk full nothing gets durable, and nothing is lost.
 */
export class DataDisk {
  readonly #disk: SimulatedDisk;
  readonly #schedule: Schedule;
  readonly #random: SeededRandom;
  #items: Written[] = [];
  /** Of all items ever written, so many are not there any more: their places stay. */
  #dropped = 0;
  #durable = 0;
  #isSyncing = false;
  #snapshot: ReadonlyMap<number, readonly Uint8Array[]> = new Map();
  #life = 0;

  /** Of `disk` it has the pace and the room. */
  constructor(disk: SimulatedDisk, schedule: Schedule, random: SeededRandom) {
    this.#disk = disk;
    this.#schedule = schedule;
    this.#random = random;
  }

  /** Answers the item's place, of which `reached` is told when it is durable. */
  append(partition: number, item: KeptItem, reached: (place: number) => void): number {
    this.#items.push({ partition, bytes: encodeKeptItem(item) });
    this.#sync(reached);
    return this.end;
  }

  *items(): IterableIterator<{ readonly partition: number; readonly item: KeptItem }> {
    for (const { partition, bytes } of this.#items) yield { partition, item: decodeKeptItem(bytes) };
  }

  get end(): number {
    return this.#dropped + this.#items.length;
  }

  get isWell(): boolean {
    return !this.#disk.isFull;
  }

  /**
   * A snapshot has what the items before the place `from` have made, and is on the disk once those up to `to` are. False: not
   * yet. What is given as `entries` is what the store of each partition shows.
   */
  replace(from: number, to: number, entries: ReadonlyMap<number, readonly Uint8Array[]>): boolean {
    if (this.#durable < to) return false;
    this.#items = this.#items.slice(from - this.#dropped);
    this.#dropped = from;
    this.#snapshot = entries;
    return true;
  }

  get snapshot(): ReadonlyMap<number, readonly Uint8Array[]> {
    return this.#snapshot;
  }

  crash(): void {
    this.#life++;
    this.#isSyncing = false;
    const unsynced = this.end - this.#durable;
    const kept = this.#random.pick([0, unsynced, this.#random.integer(0, unsynced)]);
    this.#items.length -= unsynced - kept;
    this.#durable = this.end;
  }

  #sync(reached: (place: number) => void): void {
    if (this.#isSyncing || this.#durable === this.end) return;
    this.#isSyncing = true;
    const to = this.end;
    const life = this.#life;
    this.#schedule.after(this.#disk.isFull ? RETRY_MS : this.#disk.readDelayMs(), () => {
      if (life !== this.#life) return;
      this.#isSyncing = false;
      if (!this.#disk.isFull) {
        this.#durable = to;
        reached(to);
      }
      if (life === this.#life) this.#sync(reached);
    });
  }
}
