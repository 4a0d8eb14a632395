import test from 'ava';
import fc from 'fast-check';
import { encodeHeader } from '../../../src/persistence/file-header.ts';
import { frameSeed } from '../../../src/persistence/frame.ts';
import { encodeSnapshotEnd } from '../../../src/persistence/snapshot-marks.ts';
import { type SnapshotCursor, writeSnapshotPiece } from '../../../src/persistence/snapshot-piece.ts';
import { replaySnapshot } from '../../../src/persistence/snapshot-replay.ts';
import { createStoreMemory } from '../../../src/store/arena.ts';
import { EffectLog } from '../../../src/store/effect-log.ts';
import { PartitionedWriter } from '../../../src/store/partitioned-writer.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { HASHES } from '../../../src/store/scan.ts';
import { sourceOf } from '../../memory-log-disk.ts';
import { putRequest } from '../../property/store/model.ts';
import { contentsOf as contentsOfPartition } from '../../property/store/replicated-model.ts';

const STORE = Uint8Array.from({ length: 16 }, (_, index) => index);
const SEED = frameSeed(STORE);
const PARTITIONS = 16;

interface Logged {
  readonly partition: number;
  readonly record: Uint8Array;
}

function storeOf(budgetBytes = 8 << 20) {
  const clock = { at: 1_000_000, nowMs: (): number => clock.at };
  const partitions = { first: 0, count: PARTITIONS, total: PARTITIONS };
  const memory = createStoreMemory({ budgetBytes, readersMax: 1, eviction: 'noeviction', hashKey: [3, 4], partitions });
  const store = new PartitionedWriter(memory, clock);
  const reader = new StoreReader(memory, 0, { nowMs: () => 0 });
  return { clock, memory, store, reader };
}

/** A store that logs what it does, as a shard's does. */
function loggedStore() {
  const made = storeOf();
  const effects = new EffectLog();
  made.store.effects = effects;
  const log: Logged[] = [];
  const commit = (): void =>
    effects.drain((partition, _keys, record) => log.push({ partition, record: record.slice() }));
  return { ...made, log, commit };
}

interface Meanwhile {
  readonly amidst?: () => void;
  readonly between?: () => void;
  readonly around?: (slice: () => number) => number;
}

/** Writes a whole snapshot in pieces, `meanwhile` being called while entries are read, and between slices. */
function snapshotOf(reader: StoreReader, meanwhile: Meanwhile = {}, slices = 3) {
  const frames: Uint8Array[] = [];
  let from: SnapshotCursor = { at: 0, entries: 0 };
  const watched = {
    enterWalk: () => reader.enterWalk(),
    leaveWalk: () => reader.leaveWalk(),
    walkStands: () => reader.walkStands(),
    walk: (...[at, pagesMax, visit]: Parameters<StoreReader['walk']>): number => {
      const slice = () =>
        reader.walk(at, pagesMax, (entry) => {
          const goesOn = visit(entry);
          meanwhile.amidst?.();
          return goesOn;
        });
      return meanwhile.around?.(slice) ?? slice();
    },
  };
  let pieces = 0;
  for (; from.at < HASHES; pieces++) {
    if (pieces > 100_000) throw new Error('the snapshot does not come to an end');
    let left = slices;
    from = writeSnapshotPiece({
      reader: watched,
      from,
      seed: SEED,
      write: (frame) => frames.push(frame.slice()),
      frameBytes: 512,
      rest: () => {
        meanwhile.between?.();
        return --left > 0;
      },
    });
  }
  return { frames, entries: from.entries, pieces };
}

function fileOf(frames: readonly Uint8Array[], entries: number): Uint8Array {
  const header = { shard: 0, shards: 1, storeId: STORE, sequence: 1, begunAtMs: 0, isAnew: false };
  const head = encodeHeader({ ...header, kind: 'snapshot' });
  return new Uint8Array(Buffer.concat([head, ...frames, encodeSnapshotEnd({ entries, sequence: 1 }, SEED)]));
}

/** What comes back of a snapshot and the log from its beginning on. */
function recovered(file: Uint8Array, log: readonly Logged[], atMs: number) {
  const { store, clock } = storeOf();
  clock.at = 0;
  replaySnapshot({ path: 'x', kind: 'snapshot', sequence: 1, isAnew: false }, sourceOf(file), SEED, {
    load: (bytes, start, end) => store.recoverEntries(bytes, start, end) === 0,
    onProgress: () => undefined,
  });
  for (const { partition, record } of log) store.recover(partition, record, 0, record.length);
  clock.at = atMs;
  while (store.expireDue(atMs, 1000) > 0);
  return contentsOf(store);
}

function contentsOf(store: PartitionedWriter): readonly string[] {
  const contents: string[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (const [key, entry] of contentsOfPartition(store, partition)) contents.push(`${key} ${entry}`);
  }
  return contents;
}

function put(store: PartitionedWriter, key: string, value: string | Uint8Array, expiresAtMs = 0): void {
  store.put(putRequest(key, Buffer.from(value), { expiresAtMs }));
}

function remove(store: PartitionedWriter, key: string): void {
  store.remove(Buffer.from(key), 0, Buffer.from(key).length);
}

test('what is in a store is read back from its snapshot', (t) => {
  const { store, reader, clock } = storeOf();
  for (let i = 0; i < 3000; i++) put(store, `key:${i}`, 'v'.repeat(i % 300), i % 7 === 0 ? 2_000_000 + i : 0);
  put(store, 'large', Buffer.alloc(700_000, 7));
  const { frames, entries, pieces } = snapshotOf(reader);
  t.is(entries, 3001);
  t.true(pieces > 1);
  t.deepEqual(recovered(fileOf(frames, entries), [], clock.at), contentsOf(store));
});

test('a snapshot of an empty store is whole', (t) => {
  const { reader } = storeOf();
  const { frames, entries } = snapshotOf(reader);
  t.is(entries, 0);
  t.is(recovered(fileOf(frames, entries), [], 5).length, 0);
});

test('an entry that has expired is in the snapshot, since the log may prolong it', (t) => {
  const { store, reader, clock, log, commit } = loggedStore();
  put(store, 'a', 'one', clock.at + 10);
  commit();
  log.length = 0;
  // The shard's clock stands still while a command runs.
  const { frames, entries } = snapshotOf(reader);
  store.setExpiry(Buffer.from('a'), 0, 1, 0);
  commit();
  t.is(log.length, 1);
  t.deepEqual(recovered(fileOf(frames, entries), log, clock.at + 1000), contentsOf(store));
});

test('what a group wrote that is taken back is in no snapshot', (t) => {
  const { store, reader } = loggedStore();
  const keys = 3000;
  for (let i = 0; i < keys; i++) put(store, `key:${i}`, 'before');
  let slices = 0;
  let undone = 0;
  const around = (slice: () => number): number => {
    if (++slices % 3 > 0 || !store.beginGroup(keys, keys * 100)) return slice();
    undone++;
    for (let i = 0; i < keys; i++) if ((i + undone) % 2 === 0) put(store, `key:${i}`, 'never stood');
    for (let i = 0; i < keys; i++) if ((i + undone) % 2 === 1) remove(store, `key:${i}`);
    const next = slice();
    store.abandonGroup();
    return next;
  };
  const { frames, entries } = snapshotOf(reader, { around });
  t.true(undone >= 2);
  t.deepEqual(recovered(fileOf(frames, entries), [], 0), contentsOf(store));
});

test('groups that come one upon another do not keep a snapshot from its end', (t) => {
  const { store, reader, log, commit } = loggedStore();
  for (let i = 0; i < 2000; i++) put(store, `key:${i}`, 'before');
  commit();
  log.length = 0;
  let round = 0;
  const amidst = (): void => {
    round++;
    if (!store.beginGroup(2, 200)) return;
    put(store, `key:${round % 2000}`, `round ${round}`);
    put(store, `key:${(round * 7) % 2000}`, `round ${round}`);
    store.endGroup();
    commit();
  };
  const { frames, entries, pieces } = snapshotOf(reader, { amidst });
  t.true(pieces < 2000);
  t.true(round >= 2000);
  t.deepEqual(recovered(fileOf(frames, entries), log, 0), contentsOf(store));
});

type Step = readonly [kind: number, key: number, size: number];

test('whatever a store does while its snapshot is written: that and the log give back what it holds', (t) => {
  const step: fc.Arbitrary<Step> = fc.tuple(fc.nat(99), fc.nat(199), fc.nat(400));
  const plans = fc.record({
    steps: fc.array(step, { minLength: 10, maxLength: 600 }),
    before: fc.nat(300),
    every: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(plans, ({ steps, before, every }) => {
      const { store, reader, clock, log, commit } = loggedStore();
      for (let i = 0; i < before; i++) put(store, `key:${i % 200}`, `b${i}`, i % 5 === 0 ? clock.at + i * 20 : 0);
      commit();
      log.length = 0;
      const queue = [...steps];
      let groupLeft = 0;
      const endGroup = (stands: boolean): void => {
        if (!store.inGroup) return;
        if (stands) store.endGroup();
        else store.abandonGroup();
        groupLeft = 0;
      };
      const act = ([kind, number, size]: Step): void => {
        const key = `key:${number}`;
        clock.at += kind % 3;
        if (kind < 40) put(store, key, 'x'.repeat(size), kind % 4 === 0 ? clock.at + size : 0);
        else if (kind < 60) remove(store, key);
        else if (kind < 72) store.setExpiry(Buffer.from(key), 0, key.length, kind % 2 === 0 ? 0 : clock.at + size);
        else if (kind < 74 && !store.inGroup) store.clear();
        else if (kind < 76 && !store.inGroup) store.clearPartition(number % PARTITIONS);
        else if (kind < 80 && !store.inGroup) store.expireDue(clock.at, 100);
        else if (kind < 90 && !store.inGroup && store.beginGroup(20, 20_000)) groupLeft = 1 + (size % 15);
        else if (kind < 95) endGroup(kind % 2 === 0);
        if (store.inGroup && --groupLeft <= 0) endGroup(size % 3 > 0);
        if (!store.inGroup) commit();
      };
      let calls = 0;
      const go = (): void => {
        if (calls++ % every !== 0) return;
        const next = queue.shift();
        if (next !== undefined) act(next);
        // A group does not stay open for ever.
        else endGroup(true);
        if (!store.inGroup) commit();
      };
      const { frames, entries } = snapshotOf(reader, { amidst: go, between: go });
      endGroup(true);
      commit();
      store.expireDue(clock.at, 10_000);
      commit();
      t.deepEqual(recovered(fileOf(frames, entries), log, clock.at), contentsOf(store));
    }),
    { numRuns: 150 },
  );
});
