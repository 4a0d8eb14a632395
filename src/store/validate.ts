import { assert } from '../base/assert.ts';
import { forEachIndexPage } from './attach.ts';
import {
  Control,
  Counter,
  FLAG_CHUNK,
  FLAG_CHUNKED,
  FLAG_DEAD,
  FLAG_EXPIRES,
  HEAP_POSITION_WORD,
  IndexPage,
  NOT_IN_HEAP,
  PAGE_BYTES,
  SegmentRow,
  SegmentState,
  TOMBSTONE,
} from './layout.ts';
import { chunkCountOf, recordBytesOf, valueWord } from './record.ts';
import { statisticsOf } from './statistics.ts';
import type { WriterParts } from './writer-parts.ts';

/** @throws {AssertionError} unless everything in the arena agrees with what a count from scratch finds. For tests. */
export function validate(parts: WriterParts): void {
  const { arena, index, heap, pages, segments, partitions } = parts;
  const liveBytes = new Map<number, number>();
  const pagesInUse = new Map<number, number>();
  let keys = 0;
  let filed = 0;
  const partitionKeys = new Map<number, number>();
  const partitionExpiring = new Map<number, number>();
  let indexPages = 0;
  let hashNext = 0;
  const live = (ref: number): void => {
    const segment = arena.segmentOf(ref);
    const row = arena.segmentRow(segment);
    const state = arena.word(row + SegmentRow.state);
    assert(state === SegmentState.small || state === SegmentState.main, 'a live record outside the logs');
    assert((arena.word(ref * 2 + 1) & FLAG_DEAD) === 0, 'a live record that is marked dead');
    const end = (ref - arena.segmentStart(segment)) * 8 + recordBytesOf(arena, ref);
    assert(end <= arena.word(row + SegmentRow.used), 'a live record beyond the filled part of its segment');
    liveBytes.set(segment, (liveBytes.get(segment) ?? 0) + recordBytesOf(arena, ref));
  };
  forEachIndexPage(parts, (page) => {
    indexPages++;
    const localDepth = arena.word(page * 2 + IndexPage.localDepth);
    const hashFirst = arena.word(page * 2 + IndexPage.hashFirst) >>> 0;
    assert(hashFirst === hashNext, 'index pages that do not follow each other');
    hashNext = hashFirst + 2 ** (32 - localDepth);
    const depth = arena.word(Control.directoryDepth);
    for (let hash = hashFirst; hash < hashNext; hash += 2 ** (32 - depth)) {
      assert(index.pageOf(hash | 0) === page, 'a directory word that refers to another page than its neighbours');
    }
    const segment = arena.segmentOf(page);
    assert(
      arena.word(arena.segmentRow(segment) + SegmentRow.state) === SegmentState.pages,
      'a page outside a page segment',
    );
    pagesInUse.set(segment, (pagesInUse.get(segment) ?? 0) + 1);
    let used = 0;
    let tombstones = 0;
    for (let slot = 0; slot < IndexPage.slots; slot++) {
      const at = page * 2 + slot * 2;
      const ref = arena.word(at + 1);
      if (ref === TOMBSTONE) tombstones++;
      if (ref <= TOMBSTONE) continue;
      used++;
      const header = arena.word(ref * 2 + 1);
      assert((header & FLAG_CHUNK) === 0, 'a chunk in the index');
      const hash = parts.hashOf(ref, header);
      assert(hash === arena.word(at), 'an entry under a wrong hash');
      assert(hash >>> 0 >= hashFirst && hash >>> 0 < hashNext, 'an entry in a wrong page');
      assert(index.findRef(hash, ref) === at + 1, 'an entry that a search does not find');
      live(ref);
      if ((header & FLAG_CHUNKED) !== 0) {
        const list = valueWord(ref, header);
        const count = chunkCountOf(arena, arena.word(ref * 2) >>> 0);
        for (let i = 0; i < count; i++) {
          const chunk = arena.word(list + i);
          assert((arena.word(chunk * 2 + 1) & FLAG_CHUNK) !== 0, 'a chunk that is none');
          assert(arena.word(chunk * 2 + 2) === hash && arena.word(chunk * 2 + 3) === i, 'a chunk of another entry');
          live(chunk);
        }
      }
      const partition = parts.partitionOf(ref);
      if (partitions !== null) {
        assert(partitions.has(partition), 'an entry of a partition that is not here');
        assert(partitions.ofHash(hash) === partition, 'a hash that tells another partition');
        add(partitionKeys, partition);
      }
      if ((header & FLAG_EXPIRES) !== 0) {
        add(partitionExpiring, partition);
        const position = arena.word(ref * 2 + HEAP_POSITION_WORD);
        if (position === NOT_IN_HEAP) {
          assert(parts.isRefiling || !parts.mayExpire(partition), 'an entry that expires and is not in the heap');
        } else {
          filed++;
          assert(heap.refAt(position) === ref, 'a heap node that refers to another entry');
        }
      }
    }
    assert(used === arena.word(page * 2 + IndexPage.used), 'entries of a page miscounted');
    assert(tombstones === arena.word(page * 2 + IndexPage.tombstones), 'tombstones of a page miscounted');
    keys += used;
  });
  assert(hashNext === 2 ** 32, 'an index that does not cover all hashes');
  heap.validate();
  assert(heap.size === filed, 'heap nodes that belong to no entry');
  for (let place = 0; place < (partitions?.count ?? 0); place++) {
    const partition = (partitions?.first ?? 0) + place;
    assert(partitions?.keys(partition) === (partitionKeys.get(partition) ?? 0), 'keys of a partition miscounted');
    const expiring = partitionExpiring.get(partition) ?? 0;
    assert(partitions?.expiringKeys(partition) === expiring, 'expiring keys of a partition miscounted');
  }
  assert(keys === arena.counter(Counter.keys), 'keys miscounted');
  assert(indexPages === arena.counter(Counter.indexPages), 'index pages miscounted');

  parts.tagNotes.validate();

  let liveTotal = 0;
  let logTotal = 0;
  let pagesFree = 0;
  const states = new Map<number, number>();
  const pagesPerSegment = arena.segmentBytes / PAGE_BYTES;
  for (let segment = 0; segment < arena.segmentCount; segment++) {
    const row = arena.segmentRow(segment);
    const state = arena.word(row + SegmentRow.state);
    states.set(state, (states.get(state) ?? 0) + 1);
    const counted = arena.word(row + SegmentRow.live);
    if (state === SegmentState.small || state === SegmentState.main) {
      assert(counted === (liveBytes.get(segment) ?? 0), 'live bytes of a segment miscounted');
      assert(counted > 0 || segments.isOpen(segment) || segments.walked === segment, 'a dead segment not retired');
      liveTotal += counted;
      logTotal += segments.isOpen(segment) ? arena.word(row + SegmentRow.used) : arena.segmentBytes;
    } else if (state === SegmentState.pages) {
      assert(counted >= (pagesInUse.get(segment) ?? 0), 'pages of a segment miscounted');
      pagesFree += pagesPerSegment - counted;
    }
  }
  assert(liveTotal === arena.counter(Counter.liveBytes), 'live bytes miscounted');
  assert(logTotal === arena.counter(Counter.logBytes), 'log bytes miscounted');
  assert(pagesFree === pages.freeCount, 'free pages miscounted');
  assert((states.get(SegmentState.free) ?? 0) === segments.freeCount, 'free segments miscounted');
  assert((states.get(SegmentState.retired) ?? 0) === segments.retiredCount, 'retired segments miscounted');
  const sum = statisticsOf(arena);
  const parted = sum.liveBytes + sum.deadBytes + sum.indexBytes + sum.heapBytes + sum.controlBytes + sum.retiredBytes;
  assert(parted + sum.freeBytes === sum.budgetBytes, 'bytes that belong to nothing');
  assert(sum.freeBytes >= 0, 'more bytes used than there are');
}

function add(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
