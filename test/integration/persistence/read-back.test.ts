import test from 'ava';
import { HEADER_BYTES } from '../../../src/persistence/file-header.ts';
import { FRAME_HEAD_BYTES, frameBodyBytes } from '../../../src/persistence/frame.ts';
import { type Contents, contentsAfter, type Deed, keptFiles, RecoveringShard, TestFolder } from '../../kept-shard.ts';

const STORE = Uint8Array.from({ length: 16 }, (_, index) => index * 11);
const NOW_MS = 1_800_000_000_000;

function sorted(contents: Contents): string[] {
  return [...contents].map(([key, text]) => `${key}: ${text}`).sort();
}

test('a key whose time was prolonged before it was over is there, however late the node starts again', (t) => {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  const deeds: Deed[] = [
    { do: 'put', key: 'prolonged', value: 'v', expiresAtMs: NOW_MS - 5000 },
    { do: 'put', key: 'over', value: 'v', expiresAtMs: NOW_MS - 5000 },
    { do: 'put', key: 'kept for good', value: 'v', expiresAtMs: NOW_MS - 4000 },
    { do: 'expire', key: 'prolonged', expiresAtMs: NOW_MS + 60_000 },
    { do: 'expire', key: 'kept for good', expiresAtMs: 0 },
  ];
  const shard = new RecoveringShard({ clock: { nowMs: () => NOW_MS } });
  for (const snapshotFrom of [0, 3]) {
    folder.fill(keptFiles(STORE, deeds, { snapshotFrom }));
    const recovery = shard.recover(STORE, [folder.path]);
    if ('refusal' in recovery) throw recovery.refusal;
    t.deepEqual([...recovery.contents.keys()].sort(), ['kept for good', 'prolonged']);
    t.deepEqual(sorted(recovery.contents), sorted(contentsAfter(deeds, deeds.length, NOW_MS)));
  }
});

test('nor does a key go before that because memory is made room in while the log is read', (t) => {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  const value = 'v'.repeat(1000);
  const put = (key: string, expiresAtMs: number): Deed => ({ do: 'put', key, value, expiresAtMs });
  const prolonged = Array.from({ length: 280 }, (_, at) => `prolonged:${at}`);
  const deeds: Deed[] = [
    ...prolonged.flatMap((key, at) => [put(key, NOW_MS - 5000), put(`between:${at}`, 0)]),
    // More than the store has memory for.
    ...Array.from({ length: 4000 }, (_, at) => put(`between:${at % 280}`, 0)),
    ...prolonged.map((key): Deed => ({ do: 'expire', key, expiresAtMs: NOW_MS + 60_000 })),
  ];
  const shard = new RecoveringShard({ clock: { nowMs: () => NOW_MS } });
  folder.fill(keptFiles(STORE, deeds, { segmentBytesMax: 2 ** 20, perFrame: 50 }));
  const recovery = shard.recover(STORE, [folder.path]);
  if ('refusal' in recovery) throw recovery.refusal;
  t.deepEqual(sorted(recovery.contents), sorted(contentsAfter(deeds, deeds.length, NOW_MS)));
});

test('a log that ends before what its snapshot shows is refused, and the file and the snapshot are named', (t) => {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  const deeds = Array.from({ length: 20 }, (_, at): Deed => ({ do: 'put', key: `key:${at % 7}`, value: `${at}` }));
  const options = { snapshotFrom: 8, snapshotEnd: 16, segmentBytesMax: 2 ** 20, perFrame: 1, isClosed: false };
  const files = new Map(keptFiles(STORE, deeds, options));
  const name = [...files.keys()].find((file) => file.startsWith('log-')) as string;
  const log = files.get(name) as Uint8Array;
  const shard = new RecoveringShard();
  const outcomes: string[] = [];
  for (let at = HEADER_BYTES, records = 8; at < log.length; records++) {
    folder.fill(new Map(files).set(name, log.slice(0, at)));
    const recovery = shard.recover(STORE, [folder.path]);
    if ('refusal' in recovery) {
      t.true(records < 16, `with ${records} of them`);
      t.regex(recovery.refusal.message, new RegExp(`${name} at byte ${at}: damaged: it ends with number ${records}, `));
      t.regex(recovery.refusal.message, /snapshot-\S+ was made when number 16 was on the disk\..*fluxcache repair/);
      outcomes.push('refused');
    } else {
      t.deepEqual(sorted(recovery.contents), sorted(contentsAfter(deeds, records, NOW_MS)));
      outcomes.push('read');
    }
    at += FRAME_HEAD_BYTES + frameBodyBytes(log, at);
  }
  t.deepEqual([...new Set(outcomes)], ['refused', 'read']);
  t.is(outcomes.filter((outcome) => outcome === 'refused').length, 8);
});
