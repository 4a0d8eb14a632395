import { countTags, tagEnd } from '../base/tag-list.ts';
import type { Collector } from './collector.ts';
import { Counter } from './layout.ts';
import { TagSweep } from './tag-sweep.ts';
import type { WriterParts } from './writer-parts.ts';

/**
 * The writer's part in tags: notes that some are invalidated, on its own account or because another store says so, and
 * sweeps out what that concerns.
 */
export class Invalidations {
  readonly sweep: TagSweep;
  readonly #parts: WriterParts;
  /** 1 for the partition at hand, while a record of it is repeated. */
  readonly #one: Uint8Array;

  constructor(parts: WriterParts, collector: Collector, onRemoved: (hash: number) => void) {
    this.#parts = parts;
    this.#one = new Uint8Array(parts.partitions?.total ?? 1);
    this.sweep = new TagSweep(parts, collector, onRemoved);
  }

  /** Whether as many tags as the list has can be noted now. */
  hasRoom(tags: Uint8Array, start: number, end: number): boolean {
    return this.#parts.tagNotes.hasRoom(countTags(tags, start, end), end - start, this.#parts.clock.nowMs());
  }

  /** Notes the tags under that version for all partitions that are owned, and tells of it. Only after `hasRoom`. */
  note(tags: Uint8Array, start: number, end: number, version: number, isSoft: boolean): void {
    const { arena, clock, listeners, owned, partitions, tagNotes } = this.#parts;
    const nowMs = clock.nowMs();
    const mask = partitions === null ? null : owned;
    for (let at = start; at < end; ) {
      const from = at + 1;
      at = tagEnd(tags, at);
      tagNotes.add(tags, from, at, version, nowMs, isSoft, mask);
      arena.count(Counter.invalidatedTags, 1);
    }
    for (let at = start; at < end; ) {
      const from = at + 1;
      at = tagEnd(tags, at);
      listeners.tellInvalidated(tags, from, at, isSoft);
    }
    listeners.tellInvalidatedIn(this.#told(), tags, start, end, version, nowMs, isSoft);
  }

  /** Does what another store tells to have done to the partition; false when there is no memory to note it. */
  repeat(
    partition: number,
    tags: Uint8Array,
    start: number,
    end: number,
    version: number,
    timeMs: number,
    isSoft: boolean,
  ): boolean {
    const { partitions, tagNotes } = this.#parts;
    if (!this.hasRoom(tags, start, end)) {
      // It cannot be refused, and this is what makes room for certain, but where a reader does not leave.
      this.sweep.finish();
      if (!this.hasRoom(tags, start, end)) return false;
    }
    const mask = this.#one;
    mask[partition] = 1;
    const place = partition - (partitions?.first ?? 0);
    for (let at = start; at < end; ) {
      const from = at + 1;
      at = tagEnd(tags, at);
      tagNotes.addPartition(tags, from, at, version, timeMs, isSoft, place, partitions === null ? null : mask);
    }
    mask[partition] = 0;
    return true;
  }

  /** Whether a tag of the list was invalidated in the partition since that version was given. */
  isOvertaken(partition: number, tags: Uint8Array, start: number, end: number, version: number): boolean {
    const { partitions, tagNotes } = this.#parts;
    const place = partitions === null ? 0 : partition - partitions.first;
    for (let at = start; at < end; ) {
      const from = at + 1;
      at = tagEnd(tags, at);
      if (tagNotes.isOvertaken(tags, from, at, version, place)) return true;
    }
    return false;
  }

  /** Owned partitions that have entries: to the others it makes no difference. */
  #told(): number[] {
    const { owned, partitions } = this.#parts;
    if (partitions === null) return [0];
    const told: number[] = [];
    for (let partition = partitions.first; partition < partitions.first + partitions.count; partition++) {
      if (owned[partition] === 1 && partitions.keys(partition) > 0) told.push(partition);
    }
    return told;
  }
}
