import { EvictionName } from './arena.ts';
import { FluxPolicy } from './eviction.ts';
import { parentOf } from './expiry-heap.ts';
import { Counter, HEAP_POSITION_WORD, type Log, NOT_IN_HEAP, PAGE_SHIFT, SegmentRow, SegmentState } from './layout.ts';
import { endsAtOf } from './record.ts';
import { SegmentWalk, WalkResult } from './segment-walk.ts';
import type { WriterParts } from './writer-parts.ts';

/** Free segments that only walks and the index may take, so that a walk can always finish. */
const SEGMENTS_KEPT = 2;
/** From so many free segments above the kept ones on, writes pay for room by walking as they go. */
const SEGMENTS_AHEAD = 2;
/** Dead share of the logs from which compaction comes before eviction. */
const DEAD_SHARE_MAX = 1 / 16;
/** Without eviction, a segment is worth compacting from this dead share on. */
const DEAD_SHARE_MIN = 1 / 16;
/** The share of the segments that writes of a store that never evicts leave free for what its primaries tell it to keep. */
const RESERVED_SHARE = 0.03;
/** Bytes a walk goes on at a time when room is needed now. */
const STEP_BYTES = 64 * 1024;
/** Bytes of walking within one write after which an eviction stops keeping what was used. */
const URGENT_AFTER_BYTES = 4 << 20;
/** How long a write waits for readers to leave retired memory before it is refused. */
const READER_WAIT_MS = 50;
/** Pages that one insertion may take: two halves of a split, and one of the heap. */
const PAGES_PER_WRITE = 3;

/**
 * Makes room: chooses what to walk (the emptiest segment to compact, the policy's choice to evict, or the entries that
 * expire soonest), paces the work with the writes that cause it, and removes expired entries.
 */
export class Collector {
  readonly #parts: WriterParts;
  /** Null unless the store evicts what is used least. */
  readonly #policy: FluxPolicy | null;
  readonly #walk: SegmentWalk;
  readonly #eviction: EvictionName;
  readonly #pagesPerSegment: number;
  /** Free segments that writes leave alone. */
  #segmentsKept = SEGMENTS_KEPT;
  /** While fewer bytes than this are dead, looking for something to compact is known to be in vain. */
  #deadBytesWorthALook = 0;
  #relocated = -1;
  #relocatedOrdinal = 0;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#eviction = parts.arena.eviction;
    const flux = this.#eviction === EvictionName.flux;
    this.#policy = flux ? new FluxPolicy(parts.arena, parts.segments, parts.hasher) : null;
    this.#walk = new SegmentWalk(parts);
    this.#pagesPerSegment = parts.arena.segmentBytes >> PAGE_SHIFT;
    this.useReserve(false);
  }

  /**
   * Where entries belong to partitions and are not evicted for being old, a write that another store has accepted must
   * find room here too: what is kept back for such writes is theirs while it `isUsed`.
   */
  useReserve(isUsed: boolean): void {
    const { arena } = this.#parts;
    const isReserved = !isUsed && arena.partitions !== null && this.#policy === null;
    this.#segmentsKept = SEGMENTS_KEPT + (isReserved ? Math.ceil(arena.segmentCount * RESERVED_SHARE) : 0);
  }

  /** The log that a new key enters. */
  logForNew(): Log {
    return this.#policy === null ? SegmentState.main : SegmentState.small;
  }

  /** Notes that a key is stored that was not there; returns the access count its entry starts with. */
  accessesForNew(hash: number): number {
    return this.#policy === null ? 0 : this.#policy.admit(hash);
  }

  /** The log an entry lies in, where its next version goes too. */
  logOf(ref: number): Log {
    const { arena } = this.#parts;
    return arena.word(arena.segmentRow(arena.segmentOf(ref)) + SegmentRow.state) as Log;
  }

  /** Sees to it that records of `bytes` in all can be appended and indexed; false when memory is full. */
  makeRoom(bytes: number): boolean {
    const { segments } = this.#parts;
    const needed = this.#segmentsFor(bytes, PAGES_PER_WRITE);
    const ahead = segments.freeCount - needed - this.#segmentsKept;
    if (ahead > SEGMENTS_AHEAD) this.#fillMain();
    if (ahead >= SEGMENTS_AHEAD) return true;
    // The closer to the limit, the more a write walks: 4, 16, then 64 bytes of walking a byte written.
    this.#step(bytes * (4 << (2 * (SEGMENTS_AHEAD - Math.max(0, ahead)))), false);
    return segments.freeCount >= needed + this.#segmentsKept || this.#makeRoomNow(needed);
  }

  /** As `makeRoom`, for a group of `entries` writes: within it, no room need be made for them. */
  makeRoomForGroup(bytes: number, entries: number): boolean {
    // Pages fill at much the same pace: when they are near a split, about one insertion in 70 splits one.
    const needed = this.#segmentsFor(bytes, PAGES_PER_WRITE + 2 + Math.ceil(entries / 20));
    return this.#parts.segments.freeCount >= needed + this.#segmentsKept || this.#makeRoomNow(needed);
  }

  /** Looks at up to `limit` entries that are due and removes what has expired; returns how many it looked at. */
  expireDue(nowMs: number, limit: number): number {
    const { arena, heap, index } = this.#parts;
    let looked = 0;
    let position = 0;
    while (looked < limit) {
      position = heap.findDue(position, nowMs);
      if (position === 0) break;
      const ref = heap.refAt(position);
      const header = arena.word(ref * 2 + 1);
      looked++;
      if (endsAtOf(arena, ref, header) > nowMs) {
        heap.update(position, ref, endsAtOf(arena, ref, header), nowMs);
        continue;
      }
      if (this.#parts.mayExpire(this.#parts.partitionOf(ref))) {
        this.#parts.expire(index.findRef(this.#parts.hashOf(ref, header), ref), ref);
      } else {
        heap.remove(position);
        arena.words[ref * 2 + HEAP_POSITION_WORD] = NOT_IN_HEAP;
      }
      position = parentOf(position);
    }
    return looked;
  }

  /** One step of work that needs no doing now; false when there is none. */
  maintain(): boolean {
    const { segments, pages } = this.#parts;
    segments.reclaim();
    pages.reclaim();
    if (this.#relocatePage()) return true;
    if (segments.freeCount >= this.#segmentsKept + SEGMENTS_AHEAD + 1) return false;
    return this.#step(STEP_BYTES, false);
  }

  /** Forgets the walk under way: its segment is no more. */
  reset(): void {
    if (this.#walk.isUnderWay) this.#walk.abandon();
    this.#relocated = -1;
    this.#deadBytesWorthALook = 0;
  }

  #segmentsFor(bytes: number, pagesNeeded: number): number {
    const { arena, segments, pages } = this.#parts;
    let needed = 0;
    if (pages.freeCount < pagesNeeded) needed = Math.ceil((pagesNeeded - pages.freeCount) / this.#pagesPerSegment);
    const open = Math.min(segments.openBytes(SegmentState.small), segments.openBytes(SegmentState.main));
    const openMain = this.#policy !== null ? open : segments.openBytes(SegmentState.main);
    // Tails waste at most an eighth of a segment, keys of more than a chunk's length aside.
    if (bytes > openMain) needed += 1 + Math.floor(bytes / (arena.segmentBytes * 0.75));
    return needed;
  }

  #makeRoomNow(needed: number): boolean {
    const { arena, segments, pages } = this.#parts;
    if (needed + this.#segmentsKept > arena.segmentCount) return false;
    let walkedBytes = 0;
    while (segments.freeCount < needed + this.#segmentsKept) {
      segments.reclaim();
      if (segments.freeCount >= needed + this.#segmentsKept) return true;
      if (segments.freeCount + segments.retiredCount >= needed + this.#segmentsKept + SEGMENTS_AHEAD) {
        if (!segments.waitReclaim(READER_WAIT_MS)) return false;
      } else if (!this.#step(STEP_BYTES, walkedBytes > URGENT_AFTER_BYTES)) {
        pages.reclaim();
        if (this.#relocatePage()) continue;
        if (segments.retiredCount === 0 || !segments.waitReclaim(READER_WAIT_MS)) return false;
      }
      walkedBytes += STEP_BYTES;
    }
    return true;
  }

  /** Walks on for about `limitBytes`, or evicts by expiry; false when there is nothing to gain. */
  #step(limitBytes: number, urgent: boolean): boolean {
    const { clock, segments } = this.#parts;
    if (segments.retiredCount > 0) segments.reclaim();
    const nowMs = clock.nowMs();
    // A group under way has written over a record in it since the last step.
    if (this.#walk.isUnderWay && segments.isPinned(segments.walked)) this.#walk.abandon();
    if (!this.#walk.isUnderWay && !this.#chooseWalk()) return this.#evictSoonest(limitBytes);
    const result = this.#walk.step(limitBytes, nowMs, urgent);
    if (result !== WalkResult.stuck) return true;
    this.#walk.abandon();
    return false;
  }

  /** While memory is still free nobody competes for it: what the small log has too much is handed to the main log. */
  #fillMain(): void {
    if (this.#policy === null) return;
    const { segments } = this.#parts;
    const small = segments.logSegments[SegmentState.small] as number;
    const main = segments.logSegments[SegmentState.main] as number;
    if (!this.#policy.isSmallTooLarge(small, main + segments.freeCount)) return;
    const segment = segments.oldest(SegmentState.small);
    if (segment >= 0 && segment !== segments.walked) segments.handOver(segment);
  }

  #chooseWalk(): boolean {
    const { arena, heap, segments } = this.#parts;
    const logBytes = arena.counter(Counter.logBytes);
    const deadBytes = logBytes - arena.counter(Counter.liveBytes);
    if (deadBytes > logBytes * DEAD_SHARE_MAX) {
      if (this.#compactEmptiest(deadBytes)) return true;
    }
    if (this.#policy !== null) {
      const { logSegments } = segments;
      const small = logSegments[SegmentState.small] as number;
      const main = logSegments[SegmentState.main] as number;
      const log = this.#policy.logToWalk(small, main);
      let segment = segments.oldest(log);
      if (segment < 0) segment = segments.oldest(log === SegmentState.small ? SegmentState.main : SegmentState.small);
      if (segment < 0) return false;
      this.#walk.start(segment, this.#policy);
      return true;
    }
    if (this.#eviction === EvictionName.volatileTtl && heap.size > 0) return false;
    return this.#compactEmptiest(deadBytes);
  }

  #compactEmptiest(deadBytes: number): boolean {
    if (deadBytes < this.#deadBytesWorthALook) return false;
    const { arena, segments } = this.#parts;
    const segment = segments.emptiest();
    if (segment >= 0) {
      const live = arena.word(arena.segmentRow(segment) + SegmentRow.live);
      if (arena.segmentBytes - live >= arena.segmentBytes * DEAD_SHARE_MIN) {
        this.#deadBytesWorthALook = 0;
        this.#walk.start(segment, null);
        return true;
      }
    }
    // What is pinned now may be worth it later.
    if (!segments.isHeld) this.#deadBytesWorthALook = deadBytes + arena.segmentBytes / 64;
    return false;
  }

  /** Under volatile-ttl, lets go what expires soonest; what it leaves behind is compacted once it is worth it. */
  #evictSoonest(limitBytes: number): boolean {
    const { arena, heap, index, segments } = this.#parts;
    if (this.#eviction !== EvictionName.volatileTtl || heap.size === 0) return false;
    const logBytes = arena.counter(Counter.logBytes);
    for (let left = limitBytes; left > 0 && heap.size > 0; left -= 256) {
      if (logBytes - arena.counter(Counter.liveBytes) > logBytes * DEAD_SHARE_MAX) {
        // While a group is under way, what is dead may be pinned, and more of it is of no use.
        return left < limitBytes || !segments.isHeld;
      }
      const ref = heap.soonest();
      if (segments.isPinned(arena.segmentOf(ref))) return left < limitBytes;
      this.#parts.evict(index.findRef(this.#parts.hashOf(ref, arena.word(ref * 2 + 1)), ref), ref);
    }
    return true;
  }

  /** Moves one page out of the sparsest page segment, so that it can serve the logs again; false when all is well. */
  #relocatePage(): boolean {
    const { pages, heap, indexWriter } = this.#parts;
    if (this.#relocated < 0) {
      this.#relocated = pages.sparsest();
      if (this.#relocated < 0) return false;
      this.#relocatedOrdinal = 0;
    }
    pages.avoid(this.#relocated);
    const page = pages.nextInUse(this.#relocated, this.#relocatedOrdinal);
    if (page === 0 || !pages.hasRoomBeside(this.#relocated)) {
      this.#relocated = -1;
      return false;
    }
    this.#relocatedOrdinal = pages.ordinalOf(page) + 1;
    // A page that is neither is already retired and comes back by itself.
    if (!indexWriter.relocate(page)) heap.relocate(page);
    return true;
  }
}
