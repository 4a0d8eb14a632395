import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { PartitionMap } from '../../../src/routing/partition-map.ts';
import { DataDirectory } from '../../../src/server/persistence/data-directory-file.ts';
import type { EvictionName } from '../../../src/store/arena.ts';
import { type KeptEntry, keepEntries, openLog } from '../../kept-data.ts';
import {
  type Contents,
  contentsAfter,
  type Deed,
  keptFiles,
  PARTITIONS,
  partitionOf,
  RecoveringShard,
  type Recovery,
  recordOf,
  TestFolder,
} from '../../kept-shard.ts';

const NOW_MS = 1_800_000_000_000;
const COUNT = 400;
const valueAt = (index: number): string => `value ${index} ${'.'.repeat(index % 50)}`;

function entryOf(index: number): KeptEntry {
  const expiresAtMs = index % 4 === 0 ? NOW_MS + (index % 8 === 0 ? -1 : 1) * (1000 + index) : 0;
  return { key: Buffer.from(`key:${index}`), value: Buffer.from(valueAt(index)), version: index + 1, expiresAtMs };
}

function expected(): Contents {
  const contents = new Map<string, string>();
  for (let index = 0; index < COUNT; index++) {
    const { key, expiresAtMs = 0 } = entryOf(index);
    if (expiresAtMs === 0 || expiresAtMs > NOW_MS) {
      contents.set(Buffer.from(key).toString(), `${valueAt(index)} ${index + 1} ${expiresAtMs}`);
    }
  }
  return contents;
}

function dataDirectory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'fluxcache-shape-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

/** What all shards of a node with so many of them read, each from the folders that it is given. */
function recoverAll(dataDir: string, shards: number, eviction?: EvictionName): Contents {
  const directory = new DataDirectory({ dataDir, partitions: PARTITIONS, shards });
  const all = new Map<string, string>();
  const map = new PartitionMap(PARTITIONS, shards);
  for (let shard = 0; shard < shards; shard++) {
    const options = { shards, shard, clock: { nowMs: () => NOW_MS }, ...(eviction === undefined ? {} : { eviction }) };
    const store = new RecoveringShard(options);
    const folder = directory.folders[shard] as string;
    const recovery = store.recover(directory.storeId, directory.foldersOf(shard), folder);
    if ('refusal' in recovery) throw recovery.refusal;
    for (const [key, text] of recovery.contents) {
      if (map.shardOfPartition(partitionOf(key)) !== shard) throw new Error(`${key} is on shard ${shard}`);
      all.set(key, text);
    }
  }
  return all;
}

function sorted(contents: Contents): string {
  return JSON.stringify([...contents].sort());
}

for (const asSnapshot of [true, false]) {
  const from = asSnapshot ? 'snapshots' : 'logs';
  test(`with another number of shards every key of the ${from} is on the shard that it belongs to`, (t) => {
    for (const before of [1, 2, 3]) {
      const dataDir = dataDirectory(t);
      keepEntries(dataDir, COUNT, entryOf, { shards: before, asSnapshot });
      // Until the new generation takes the place of the former one, nothing of that is touched: each may be the next.
      for (const shards of [1, 2, 3, 5, before]) {
        t.is(sorted(recoverAll(dataDir, shards)), sorted(expected()), `${before} to ${shards}`);
      }
    }
  });
}

test('with another number of partitions a node refuses, and says which it was', (t) => {
  const dataDir = dataDirectory(t);
  keepEntries(dataDir, 10, entryOf, { shards: 1, asSnapshot: false });
  t.throws(() => new DataDirectory({ dataDir, partitions: 128, shards: 1 }), {
    message: /manifest\.json: the keys are kept in 64 partitions, and --partitions is 128/,
  });
});

test('a manifest that is missing, cut or changed is refused, and says so; a shard without its folder, too', (t) => {
  const dataDir = dataDirectory(t);
  keepEntries(dataDir, 10, entryOf, { shards: 2, asSnapshot: false });
  const open = (shards = 2) => new DataDirectory({ dataDir, partitions: PARTITIONS, shards });
  const { folders } = open();
  const path = join(dataDir, 'keys', 'manifest.json');
  const text = JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')) }, null, 2);
  t.notThrows(open);
  for (let at = 0; at < text.length; at++) {
    writeFileSync(path, text.slice(0, at));
    t.throws(open, { message: /manifest\.json: it is (no JSON|damaged)/ }, `cut at ${at}`);
    const changed = Buffer.from(text);
    changed[at] = (changed[at] as number) ^ 1;
    writeFileSync(path, changed);
    // Some changes are of no matter, to blanks; none of them makes it say something else.
    try {
      const { storeId, folders: found } = open();
      t.deepEqual([Buffer.from(storeId).toString('hex'), found], [JSON.parse(text).storeId, folders]);
    } catch (error) {
      t.regex(String(error), /manifest\.json: it is/);
    }
  }
  rmSync(path);
  t.throws(open, { message: /manifest\.json is missing beside the keys/ });
  writeFileSync(path, text);
  rmSync(folders[1] as string, { recursive: true });
  t.throws(open, { message: /shard-001 is missing/ });
  mkdirSync(folders[1] as string);
  const shard = new RecoveringShard({ shards: 2, shard: 1 });
  const recovery = shard.recover(Buffer.from(JSON.parse(text).storeId, 'hex'), [folders[1] as string]);
  t.true('refusal' in recovery && recovery.refusal.message.includes('there is no log'));
});

test('the folder of the keys that is named in place of the directory it is in is refused, and that one is named', async (t) => {
  const dataDir = dataDirectory(t);
  keepEntries(dataDir, 10, entryOf, { shards: 1, asSnapshot: false });
  const opening = DataDirectory.open({ dataDir: join(dataDir, 'keys'), partitions: PARTITIONS, shards: 1 });
  await t.throwsAsync(opening, {
    message: new RegExp(`--data-dir: .*keys is what a node keeps .* Name that: ${dataDir}\\.`),
  });
  t.deepEqual(readdirSync(join(dataDir, 'keys')).sort(), ['generation-1', 'manifest.json']);
});

test('a node killed in its first start, before its logs were there to be written, is a new one at the next', (t) => {
  const dataDir = dataDirectory(t);
  const open = () => new DataDirectory({ dataDir, partitions: PARTITIONS, shards: 2 });
  t.true(open().isNew);
  const { folders, isNew } = open();
  t.true(isNew);
  // One of the two logs is begun, the other is not whole.
  const log = openLog(folders[0] as string, STORE, { shards: 2 });
  writeFileSync(join(folders[1] as string, 'log-0000000000000001.fxl'), '');
  const again = open();
  t.true(again.isNew && !again.isResharding);
  t.deepEqual(again.foldersOf(0), []);

  const { length } = recordOf({ do: 'put', key: 'k', value: '' }, 1);
  const kept = openLog(again.folders[0] as string, STORE, { shards: 2 });
  kept.add(partitionOf('k'), recordOf({ do: 'put', key: 'k', value: '' }, 1), 0, length, true);
  kept.commit();
  t.throws(open, { message: /manifest\.json is missing beside the keys/ });
  kept.close();
  log.close();
  again.adopt();
  const { isNew: isNewStill, isResharding } = open();
  t.false(isNewStill || isResharding);
});

const STORE = Uint8Array.from({ length: 16 }, (_, index) => index);

function recoverFiles(t: ExecutionContext, deeds: readonly Deed[], shard: RecoveringShard): Recovery {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  folder.fill(keptFiles(STORE, deeds, { snapshotFrom: 100, segmentBytesMax: 2 ** 20, perFrame: 50 }));
  return shard.recover(STORE, [folder.path]);
}

test('what does not fit the memory is left out where keys may be evicted, and refused where they may not', (t) => {
  const large = 'x'.repeat(1000);
  const deeds = Array.from({ length: 3000 }, (_, index): Deed => ({ do: 'put', key: `key:${index}`, value: large }));
  const budgetBytes = 2 ** 20;
  for (const eviction of ['noeviction', 'volatile-ttl'] as const) {
    const recovery = recoverFiles(t, deeds, new RecoveringShard({ budgetBytes, eviction }));
    t.true('refusal' in recovery, eviction);
    if ('refusal' in recovery) t.regex(recovery.refusal.message, /does not fit --max-memory.*more memory/);
  }
  const evicting = new RecoveringShard({ budgetBytes, eviction: 'flux' });
  const some = recoverFiles(t, deeds, evicting);
  if ('refusal' in some) throw some.refusal;
  t.true(some.contents.size > 400 && some.contents.size < 1100, `${some.contents.size}`);
  for (const [key, text] of some.contents) t.true(text === `${large} ${Number(key.slice(4)) + 1} 0`, key);
  evicting.store.validate();
  const larger = recoverFiles(t, deeds, new RecoveringShard({ budgetBytes: 8 * budgetBytes }));
  t.true('contents' in larger && larger.contents.size === 3000);
});

test('what can expire goes first where the policy says so', (t) => {
  const value = 'x'.repeat(1000);
  const deeds = Array.from({ length: 1200 }, (_, index): Deed => {
    return { do: 'put', key: `key:${index}`, value, expiresAtMs: index % 2 === 0 ? NOW_MS + 1_000_000 + index : 0 };
  });
  const shard = new RecoveringShard({ eviction: 'volatile-ttl', clock: { nowMs: () => NOW_MS } });
  const recovery = recoverFiles(t, deeds, shard);
  if ('refusal' in recovery) throw recovery.refusal;
  for (let index = 1; index < 1200; index += 2) t.true(recovery.contents.has(`key:${index}`), `key:${index}`);
  t.true(recovery.contents.size < 1000);
});

test('what has expired meanwhile is dropped, unless a later change prolonged it', (t) => {
  const deeds: Deed[] = [];
  for (let index = 0; index < 300; index++) {
    const key = `key:${index}`;
    deeds.push({ do: 'put', key, value: 'v', expiresAtMs: NOW_MS - 5000 });
    if (index % 3 === 0) deeds.push({ do: 'expire', key, expiresAtMs: NOW_MS + 5000 });
    if (index % 3 === 1) deeds.push({ do: 'expire', key, expiresAtMs: 0 });
  }
  const shard = new RecoveringShard({ clock: { nowMs: () => NOW_MS } });
  const recovery = recoverFiles(t, deeds, shard);
  t.is(shard.store.keyCount, 200);
  t.true('contents' in recovery && sorted(recovery.contents) === sorted(contentsAfter(deeds, deeds.length, NOW_MS)));
});

test('with the clock set back nothing is dropped, and versions still grow', (t) => {
  const version = 2 ** 40;
  const dataDir = dataDirectory(t);
  const entry: KeptEntry = { key: Buffer.from('key'), value: Buffer.from('v'), version, expiresAtMs: NOW_MS };
  keepEntries(dataDir, 1, () => entry, { shards: 1, asSnapshot: true });
  const directory = new DataDirectory({ dataDir, partitions: PARTITIONS, shards: 1 });
  const shard = new RecoveringShard({ clock: { nowMs: () => NOW_MS - 86_400_000 } });
  const recovery = shard.recover(directory.storeId, directory.foldersOf(0));
  t.deepEqual('contents' in recovery ? [...recovery.contents] : recovery.refusal, [['key', `v ${version} ${NOW_MS}`]]);
  t.is(shard.store.lastVersion, version);
});
