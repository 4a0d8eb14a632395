import type { LookupSampler } from '../base/lookup-sample.ts';
import { type Clock, secureRandom } from '../base/ports.ts';
import { FillOutcome, Freshness, type PutRequest, PutStatus, type WriteView } from '../base/view.ts';
import type { StoreMemory } from './arena.ts';
import { noFill } from './attributes.ts';
import { EntryWriter } from './entry-writer.ts';
import { Invalidations } from './invalidations.ts';
import { Counter } from './layout.ts';
import { validate } from './validate.ts';

const NO_BYTES = new Uint8Array(0);
const fillCounters: Readonly<Record<FillOutcome, number>> = {
  [FillOutcome.filled]: Counter.fillsDone,
  [FillOutcome.lost]: Counter.fillsLost,
  [FillOutcome.cancelled]: Counter.fillsCancelled,
};

/**
 * The one writer of a store. Constructing it attaches to the memory: whatever a writer before it left half done is
 * finished or undone, and its private knowledge is rebuilt from the index, at a cost in proportion to the entries.
 *
 * Beside the commands' view it has what the actor's loop calls between commands: `expireDue`, `nextExpiryMs` and
 * `maintain`, each in steps that the caller bounds.
 */
export class StoreWriter extends EntryWriter implements WriteView {
  protected readonly invalidations: Invalidations;
  readonly #hollow: PutRequest = {
    key: NO_BYTES,
    keyStart: 0,
    keyEnd: 0,
    value: NO_BYTES,
    valueStart: 0,
    valueEnd: 0,
    type: 0,
    // Past to every plain reader, whatever its clock says.
    expiresAtMs: 1,
    contentType: NO_BYTES,
    contentTypeStart: 0,
    contentTypeEnd: 0,
    attributes: null,
  };

  /** As of an `EntryWriter`. */
  constructor(memory: StoreMemory, clock: Clock, groupStands = false, sampler: LookupSampler | null = null) {
    super(memory, clock, groupStands, sampler);
    this.invalidations = new Invalidations(this.parts, this.collector, (hash) => this.noteTakenOut(hash));
  }

  randomUint32(): number {
    return secureRandom.nextUint32();
  }

  newFillToken(): number {
    const high = this.randomUint32() & 0xffff;
    return high * 2 ** 32 + this.randomUint32() || 1;
  }

  putHollow(source: Uint8Array, start: number, end: number, token: number, untilMs: number): PutStatus {
    const request = this.#hollow;
    request.key = source;
    request.keyStart = start;
    request.keyEnd = end;
    request.attributes = {
      staleMs: untilMs - request.expiresAtMs,
      tags: NO_BYTES,
      tagsStart: 0,
      tagsEnd: 0,
      fillToken: token,
      fillUntilMs: untilMs,
      fillVersion: this.lastVersion + 1,
      isHollow: true,
    };
    const status = this.put(request);
    request.key = NO_BYTES;
    if (status === PutStatus.created) this.parts.arena.count(Counter.fillsGranted, 1);
    return status;
  }

  setFill(source: Uint8Array, start: number, end: number, token: number, untilMs: number): boolean {
    if (this.peekStale(source, start, end) !== Freshness.stale) return false;
    const { fillToken, fillUntilMs } = this.view;
    const version = this.lastVersion + 1;
    if (!this.giveFill(source, start, end, { token, untilMs, version }, true)) return false;
    if (fillToken !== 0 && fillUntilMs <= this.parts.clock.nowMs()) this.parts.arena.count(Counter.fillsExpired, 1);
    this.parts.arena.count(Counter.fillsGranted, 1);
    return true;
  }

  clearFill(source: Uint8Array, start: number, end: number): boolean {
    const freshness = this.peekStale(source, start, end);
    if (freshness === Freshness.none || this.view.fillToken === 0) return false;
    if (freshness !== Freshness.hollow) return this.giveFill(source, start, end, noFill, true);
    this.take(source, start, end, true);
    return true;
  }

  countFill(outcome: FillOutcome): void {
    this.parts.arena.count(fillCounters[outcome], 1);
  }

  isOvertaken(tags: Uint8Array, start: number, end: number): boolean {
    const partition = this.parts.partitionOf(this.view.ref);
    return this.invalidations.isOvertaken(partition, tags, start, end, this.view.fillVersion);
  }

  isOvertakenSince(
    version: number,
    source: Uint8Array,
    start: number,
    end: number,
    tags: Uint8Array,
    tagsStart: number,
    tagsEnd: number,
  ): boolean {
    const partition = this.parts.partitions?.ofKey(source, start, end) ?? 0;
    return this.invalidations.isOvertaken(partition, tags, tagsStart, tagsEnd, version);
  }

  invalidateTags(tags: Uint8Array, start: number, end: number, isSoft: boolean): boolean {
    if (!this.invalidations.hasRoom(tags, start, end)) return false;
    const version = this.lastVersion + 1;
    this.takeVersion(version);
    this.invalidations.note(tags, start, end, version, isSoft);
    return true;
  }

  /**
   * Removes entries whose expiry has passed, looking at up to `limit`, and returns how many it looked at; fewer than
   * `limit` says that none is left. About a microsecond each.
   */
  expireDue(nowMs: number, limit: number): number {
    return this.collector.expireDue(nowMs, limit);
  }

  /** Unix milliseconds before which `expireDue` has nothing to do; -1 when nothing expires. */
  nextExpiryMs(): number {
    return this.parts.heap.nextDueMs(this.parts.clock.nowMs());
  }

  /** Takes one bounded step (of about a millisecond at most) of work put off until now; false when there is none. */
  maintain(): boolean {
    return this.invalidations.sweep.step() || this.collector.maintain();
  }

  /** @throws {AssertionError} unless every count and every reference agrees with what is there. Slow: for tests. */
  validate(): void {
    validate(this.parts);
  }
}
