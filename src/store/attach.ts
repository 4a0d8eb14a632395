import { assert } from '../base/assert.ts';
import {
  Control,
  Counter,
  FLAG_CHUNKED,
  FLAG_DEAD,
  FLAG_EXPIRES,
  IndexPage,
  SegmentRow,
  SegmentState,
  TOMBSTONE,
} from './layout.ts';
import { chunkCountOf, endsAtOf, recordBytesOf, valueWord } from './record.ts';
import { turnSequence, undoGroup, undoPages } from './undo-log.ts';
import type { WriterParts } from './writer-parts.ts';

/** How long an attaching writer waits for readers to leave what its predecessor had unlinked. */
const READER_WAIT_MS = 10_000;

/**
 * Takes over a store's memory: lays out an empty index in a new one; in one that a writer left, finishes or undoes
 * what it was in the middle of and rebuilds everything but the index from the index, which alone is trusted.
 * A group of writes that was under way is taken back, unless `groupStands`: then it counts as ended.
 * Time grows with the entries: 0.2 s of processor time for each million was measured, 0.4 s where all expire, with 64
 * bytes of value each; and on a machine with slower or busier memory up to 1 s.
 */
export function attach(parts: WriterParts, nowMs: number, groupStands = false): void {
  const { arena, epochs, indexWriter, segments, pages } = parts;
  const isNew = arena.word(Control.directoryDepth) === 0;
  if (!isNew) {
    indexWriter.redo();
    // After this nobody sees anything that the index does not refer to.
    assert(epochs.waitPassed(epochs.stamp(), READER_WAIT_MS), 'a reader that does not leave the store');
  }
  resetCounters(parts);
  for (let segment = arena.segmentCount - 1; segment >= 0; segment--) {
    const row = arena.segmentRow(segment);
    const state = arena.word(row + SegmentRow.state);
    if (state === SegmentState.pages) pages.addSegment(segment);
    else if (state === SegmentState.free || state === SegmentState.retired) segments.addFree(segment);
    else arena.words[row + SegmentRow.live] = 0;
  }
  parts.tagNotes.attach();
  if (isNew) {
    pages.releaseEmpty();
    assert(indexWriter.create(), 'no memory for an empty index');
    return;
  }
  forEachIndexPage(parts, (page) => {
    pages.adopt(page);
    arena.count(Counter.indexPages, 1);
    recountPage(parts, page);
  });
  takeBackGroup(parts, groupStands);
  // Taking back moved this counter; now everything is counted from nought.
  arena.doubles[Counter.keys] = 0;
  arena.partitions?.resetCounts();
  forEachIndexPage(parts, (page) => countEntries(parts, page));
  pages.releaseEmpty();
  segments.adoptLogs();
  forEachIndexPage(parts, (page) => fileExpiring(parts, page, nowMs));
  if ((arena.word(Control.sequence) & 1) !== 0) {
    turnSequence(arena);
  }
}

function resetCounters({ arena }: WriterParts): void {
  for (const counter of RECOUNTED) arena.doubles[counter] = 0;
}

const RECOUNTED = [
  Counter.keys,
  Counter.expiringKeys,
  Counter.liveBytes,
  Counter.logBytes,
  Counter.indexPages,
  Counter.heapPages,
  Counter.pagesInUse,
  Counter.logSegments,
  Counter.pageSegments,
  Counter.retiredSegments,
];

/** Visits every page of the index once. */
export function forEachIndexPage({ arena }: WriterParts, visit: (page: number) => void): void {
  const depth = arena.word(Control.directoryDepth);
  const first = arena.directory + 2 ** depth;
  const end = first + 2 ** depth;
  for (let at = first; at < end; ) {
    const page = arena.word(at);
    const span = 2 ** (depth - arena.word(page * 2 + IndexPage.localDepth));
    visit(page);
    at += span;
  }
}

function recountPage({ arena }: WriterParts, page: number): void {
  let used = 0;
  let tombstones = 0;
  for (let slot = 0; slot < IndexPage.slots; slot++) {
    const ref = arena.word(page * 2 + slot * 2 + 1);
    if (ref > TOMBSTONE) used++;
    else if (ref === TOMBSTONE) tombstones++;
  }
  arena.words[page * 2 + IndexPage.used] = used;
  arena.words[page * 2 + IndexPage.tombstones] = tombstones;
}

function takeBackGroup(parts: WriterParts, groupStands: boolean): void {
  const { arena, index, indexWriter, pages } = parts;
  if (groupStands) arena.words[Control.undoCount] = 0;
  if (arena.word(Control.undoCount) > 0) {
    const taken = undoPages(arena);
    for (const page of taken) pages.adopt(page);
    undoGroup(arena, index, indexWriter);
    for (const page of taken) pages.free(page);
  }
  arena.words[Control.undoPage] = 0;
}

/** Counts a page's entries as live, in their segments and in all. */
function countEntries({ arena }: WriterParts, page: number): void {
  const { partitions } = arena;
  let keys = 0;
  for (let slot = 0; slot < IndexPage.slots; slot++) {
    const ref = arena.word(page * 2 + slot * 2 + 1);
    if (ref <= TOMBSTONE) continue;
    keys++;
    const header = arena.word(ref * 2 + 1);
    if (partitions !== null) {
      const partition = partitions.ofHash(arena.word(page * 2 + slot * 2));
      partitions.countKeys(partition, 1);
      if ((header & FLAG_EXPIRES) !== 0) partitions.countExpiringKeys(partition, 1);
    }
    revive(ref);
    if ((header & FLAG_CHUNKED) === 0) continue;
    const list = valueWord(ref, header);
    const count = chunkCountOf(arena, arena.word(ref * 2) >>> 0);
    for (let i = 0; i < count; i++) revive(arena.word(list + i));
  }
  arena.count(Counter.keys, keys);

  function revive(ref: number): void {
    const header = arena.word(ref * 2 + 1);
    if ((header & FLAG_DEAD) !== 0) arena.words[ref * 2 + 1] = header & ~FLAG_DEAD;
    const row = arena.segmentRow(arena.segmentOf(ref));
    const bytes = recordBytesOf(arena, ref);
    arena.words[row + SegmentRow.live] = arena.word(row + SegmentRow.live) + bytes;
    arena.count(Counter.liveBytes, bytes);
  }
}

function fileExpiring({ arena, heap }: WriterParts, page: number, nowMs: number): void {
  for (let slot = 0; slot < IndexPage.slots; slot++) {
    const ref = arena.word(page * 2 + slot * 2 + 1);
    if (ref <= TOMBSTONE) continue;
    const header = arena.word(ref * 2 + 1);
    if ((header & FLAG_EXPIRES) === 0) continue;
    assert(heap.prepareInsert(), 'no memory for the expiry heap');
    heap.insert(ref, endsAtOf(arena, ref, header), nowMs);
  }
}
