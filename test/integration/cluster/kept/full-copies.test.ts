import test from 'ava';
import type { KeptItem } from '../../../../src/cluster/replication/kept-item.ts';
import { encodeKeptItem } from '../../../../src/cluster/replication/kept-item-codec.ts';
import { openLog, snapshotBytes, snapshotName } from '../../../kept-data.ts';
import {
  contentsAfter,
  type Deed,
  entriesAfter,
  partitionOf,
  RecoveringShard,
  recordOf,
  TestFolder,
} from '../../../kept-shard.ts';

const STORE = Uint8Array.from({ length: 16 }, (_, index) => index * 5);
const LARGE = 'x'.repeat(30_000);
const EPOCH = 4;

/** The log of copies, as a shard writes it from the moment on in which a snapshot begins. */
class CopiesLog {
  readonly #log;
  readonly #lasts = new Map<number, number>();
  #lastOfAll = 0;

  constructor(folder: TestFolder) {
    this.#log = openLog(folder.path, STORE);
  }

  get next(): number {
    return this.#log.next;
  }

  /** What one of the copies is. */
  begin(partition: number): void {
    if (this.#lasts.has(partition)) return;
    this.#lasts.set(partition, 100);
    const state = { clears: false, since: 1, generation: 2, filledInEpoch: 1, at: 100, atEpoch: EPOCH };
    this.add(partition, { type: 'state', ...state, isFilling: false });
  }

  /** A write; all before it, or up to `committed`, are committed. */
  write(partition: number, effect: Uint8Array, committed = this.last(partition)): void {
    const seq = this.last(partition) + 1;
    this.#lasts.set(partition, seq);
    this.add(partition, { type: 'record', record: { seq, epoch: EPOCH, keys: [], effect }, committed });
  }

  last(partition: number): number {
    return this.#lasts.get(partition) as number;
  }

  commit(): void {
    for (const [partition, committed] of this.#lasts) this.add(partition, { type: 'commit', committed });
  }

  add(partition: number, item: KeptItem): void {
    const bytes = encodeKeptItem(item);
    this.#log.add(partition, bytes, 0, bytes.length, true);
    if (++this.#lastOfAll % 10 === 0) this.#log.commit();
  }

  close(): void {
    this.#log.commit();
    this.#log.close();
  }
}

const small = Array.from(
  { length: 200 },
  (_, at): Deed => ({ do: 'put', key: `small:${at}`, value: 'y'.repeat(1000) }),
);
const old = Array.from({ length: 20 }, (_, at): Deed => ({ do: 'put', key: `old:${at}`, value: LARGE }));
const swapped = Array.from({ length: 20 }, (_, at): Deed[] => [
  { do: at % 2 === 0 ? 'remove' : 'clear', key: `old:${at}` },
  { do: 'put', key: `new:${at}`, value: LARGE },
]).flat();
const deeds = [...small, ...old, ...swapped];
const from = small.length + old.length;

test('copies of a store that was full are read back from a snapshot that has both what went and what came meanwhile', (t) => {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  const log = new CopiesLog(folder);
  const whole = contentsAfter(deeds, deeds.length, Date.now());
  const [early, late] = ['small:6', 'small:9'] as const;
  t.true(whole.has(early) && whole.has(late), 'two that no partition lost');
  // Before the copies said what they are: the snapshot has it.
  const before = recordOf({ do: 'put', key: early, value: 'of before' }, 7);
  log.add(partitionOf(early), {
    type: 'record',
    record: { seq: 90, epoch: EPOCH, keys: [], effect: before },
    committed: 90,
  });
  for (const { key } of deeds) log.begin(partitionOf(key));
  for (const [index, deed] of deeds.slice(from).entries()) {
    log.write(partitionOf(deed.key), recordOf(deed, from + index + 1));
  }
  log.commit();
  // Nobody knows yet whether these come to be.
  const committed = log.last(partitionOf(late));
  log.write(partitionOf(late), recordOf({ do: 'put', key: late, value: 'may never be' }, 5000), committed);
  log.write(partitionOf(late), recordOf({ do: 'clear', key: late }, 5001), committed);
  log.close();
  const files = folder.files();
  const entries = new Map([...entriesAfter(deeds, from), ...entriesAfter(deeds, deeds.length)]);
  files.set(snapshotName(1), snapshotBytes(STORE, entries.values(), { from: 1, end: log.next - 5 }));
  folder.fill(files);
  const shard = new RecoveringShard({ keepsCopies: true });
  const recovery = shard.recover(STORE, [folder.path]);
  if ('refusal' in recovery) throw recovery.refusal;
  t.deepEqual([...recovery.contents.keys()].sort(), [...whole.keys()].sort());
  for (const [key, text] of whole) if (recovery.contents.get(key) !== text) t.fail(key);
  shard.store.validate();
});

test('copies that do not fit without that either are refused', (t) => {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  const log = new CopiesLog(folder);
  const more = Array.from({ length: 40 }, (_, at): Deed => ({ do: 'put', key: `more:${at}`, value: LARGE }));
  for (const { key } of more) log.begin(partitionOf(key));
  for (const [index, deed] of more.entries()) log.write(partitionOf(deed.key), recordOf(deed, index + 1));
  log.commit();
  log.close();
  const refused = new RecoveringShard({ keepsCopies: true }).recover(STORE, [folder.path]);
  t.regex('refusal' in refused ? refused.refusal.message : '', /does not fit --max-memory.*Start with more memory/);
});
