import test from 'ava';
import { logName, openLog, snapshotBytes, snapshotName } from '../../kept-data.ts';
import {
  contentsAfter,
  type Deed,
  entriesAfter,
  partitionOf,
  RecoveringShard,
  recordOf,
  TestFolder,
} from '../../kept-shard.ts';

const STORE = Uint8Array.from({ length: 16 }, (_, index) => index * 3);
const LARGE = 'x'.repeat(30_000);

/** A file of keys that were all there before deed `from`, and those that came up to deed `end`: nothing fits less well. */
function fill(folder: TestFolder, deeds: readonly Deed[], from: number, end: number): void {
  const log = openLog(folder.path, STORE, { firstSequence: from + 1 });
  for (const [index, deed] of deeds.slice(from).entries()) {
    const record = recordOf(deed, from + index + 1);
    log.add(partitionOf(deed.key), record, 0, record.length);
  }
  log.commit();
  log.close();
  const files = folder.files();
  const entries = new Map([...entriesAfter(deeds, from), ...entriesAfter(deeds, end)]);
  files.set(snapshotName(from + 1), snapshotBytes(STORE, entries.values(), { from: from + 1, end: end + 1 }));
  folder.fill(files);
}

const small = Array.from(
  { length: 200 },
  (_, at): Deed => ({ do: 'put', key: `small:${at}`, value: 'y'.repeat(1000) }),
);
const old = Array.from({ length: 20 }, (_, at): Deed => ({ do: 'put', key: `old:${at}`, value: LARGE }));
const swapped = Array.from({ length: 20 }, (_, at): Deed[] => [
  // One by itself, and one with all of its partition.
  { do: at % 2 === 0 ? 'remove' : 'clear', key: `old:${at}` },
  { do: 'put', key: `new:${at}`, value: LARGE },
]).flat();
const later: Deed[] = [
  { do: 'expire', key: 'small:1', expiresAtMs: 2 ** 45 },
  { do: 'expire', key: 'new:1', expiresAtMs: 2 ** 45 },
  { do: 'remove', key: 'small:2' },
  { do: 'put', key: 'small:3', value: 'again' },
  { do: 'put', key: 'after', value: 'the snapshot' },
];
const deeds = [...small, ...old, ...swapped, ...later];
const from = small.length + old.length;
const end = from + swapped.length + 3;

test('a store that was full is read back from a snapshot that has both what went and what came while it was made', (t) => {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  fill(folder, deeds, from, end);
  const shard = new RecoveringShard();
  const recovery = shard.recover(STORE, [folder.path]);
  if ('refusal' in recovery) throw recovery.refusal;
  const expected = contentsAfter(deeds, deeds.length, Date.now());
  t.deepEqual([...recovery.contents.keys()].sort(), [...expected.keys()].sort());
  for (const [key, text] of expected) if (recovery.contents.get(key) !== text) t.fail(key);
  t.is(recovery.recovered.next, deeds.length + 1);
  shard.store.validate();
});

test('what does not fit without that either is refused, and damage is told as such', (t) => {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  const more = Array.from({ length: 40 }, (_, at): Deed => ({ do: 'put', key: `more:${at}`, value: LARGE }));
  fill(folder, [...deeds, ...more], from, end);
  const shard = new RecoveringShard();
  const refused = shard.recover(STORE, [folder.path]);
  t.regex('refusal' in refused ? refused.refusal.message : '', /does not fit --max-memory.*Start with more memory/);

  fill(folder, deeds, from, end);
  const files = folder.files();
  const log = files.get(logName(from + 1));
  if (log === undefined) throw new Error('no log');
  const at = log.length - 400;
  log[at] = (log[at] as number) ^ 1;
  folder.fill(files);
  const damaged = new RecoveringShard().recover(STORE, [folder.path]);
  t.regex('refusal' in damaged ? damaged.refusal.message : '', /log-.*damaged/);
});
