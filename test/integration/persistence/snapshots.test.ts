import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShardsOnDisk, type ShardsOnDiskOptions } from '../../shards-on-disk.ts';
import { until } from '../../threaded-shards.ts';

async function folderOf(t: ExecutionContext): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'fluxcache-snapshots-'));
  t.teardown(() => rm(dataDir, { recursive: true }));
  return dataDir;
}

/** Opens, uses and ends the shards of a node; all has to be on the disk then. */
async function withShards<T>(
  t: ExecutionContext,
  options: ShardsOnDiskOptions,
  use: (shards: ShardsOnDisk) => Promise<T>,
): Promise<T> {
  const shards = await ShardsOnDisk.open(options);
  let isStopped = false;
  try {
    const result = await use(shards);
    isStopped = true;
    t.true(await shards.stop());
    t.deepEqual(shards.failures, []);
    return result;
  } finally {
    if (!isStopped) await shards.stop();
  }
}

const KEYS = 4000;

/** Every key with its value and the time at which it expires. */
async function contentsOf(shards: ShardsOnDisk): Promise<string> {
  const names = Array.from({ length: KEYS }, (_, number) => `key:${number}`);
  const entries = await Promise.all(
    names.map(async (name) => [name, await shards.call('get', name), await shards.call('pexpiretime', name)]),
  );
  return JSON.stringify(entries.filter(([, value]) => value !== null));
}

async function dataFiles(dataDir: string): Promise<string[]> {
  const names = await readdir(join(dataDir, 'keys'), { recursive: true });
  return names.filter((name) => /\.fx[ls]/.test(name));
}

/** Changes of all kinds until told to end. */
async function writeMeanwhile(shards: ShardsOnDisk, isOver: () => boolean): Promise<number> {
  let number = 1;
  for (; !isOver(); number++) {
    const key = (step: number): string => `key:${(number * 61 + step * 977) % KEYS}`;
    const batch: Promise<unknown>[] = [];
    for (let i = 0; i < 40; i++)
      batch.push(shards.call('set', key(i), `round ${number} ${'x'.repeat((i * 37) % 300)}`));
    batch.push(shards.call('del', key(41), key(42)));
    batch.push(shards.call('set', key(43), 'soon gone', 'px', '1'));
    batch.push(shards.call('set', key(44), 'later', 'px', '100000'));
    batch.push(shards.call('persist', key(44)), shards.call('pexpire', key(45), '200000'));
    batch.push(shards.call('mset', key(46), 'a', key(47), 'b', key(48), 'c'), shards.call('append', key(49), 'more'));
    if (number % 150 === 0) batch.push(shards.call('flushall'));
    await Promise.all(batch);
  }
  return number;
}

test.serial('snapshots made while everything changes, and the log, give back what there was', async (t) => {
  const dataDir = await folderOf(t);
  const options = { dataDir, flags: { '--log-segment-size': '256kb', '--fsync': 'no' } };
  const before = await withShards(t, options, async (shards) => {
    let isOver = false;
    const writing = writeMeanwhile(shards, () => isOver);
    for (let i = 0; i < 4; i++) {
      const taken = await shards.persistence.snapshots?.take();
      t.is(taken?.kind, 'done', JSON.stringify(taken));
    }
    isOver = true;
    t.true((await writing) > 10);
    const facts = shards.persistence.snapshots?.facts();
    t.is(facts?.taken, 8);
    t.true((facts?.lastAtMs ?? 0) > Date.now() - 60_000);
    return contentsOf(shards);
  });
  const files = await dataFiles(dataDir);
  t.is(files.filter((name) => name.endsWith('.fxs')).length, 2, files.join());
  t.false(files.some((name) => name.endsWith('.tmp')));
  t.is(await withShards(t, options, contentsOf), before);
  // And once more, from what the second start left.
  t.is(await withShards(t, options, contentsOf), before);
});

test.serial('what is evicted while a snapshot is made stays gone, and what is there fits again', async (t) => {
  const dataDir = await folderOf(t);
  const options = { dataDir, flags: { '--fsync': 'no' } };
  const value = 'v'.repeat(9000);
  const before = await withShards(t, options, async (shards) => {
    let isOver = false;
    const writing = (async () => {
      for (let round = 0; !isOver; round++) {
        const batch = Array.from({ length: 50 }, (_, i) => shards.call('set', `key:${(round * 50 + i) % KEYS}`, value));
        await Promise.all(batch);
      }
    })();
    await until('memory is full', () => Number(shards.persistence.snapshots?.facts().logBytes) > 30e6);
    for (let i = 0; i < 2; i++) t.is((await shards.persistence.snapshots?.take())?.kind, 'done');
    isOver = true;
    await writing;
    return contentsOf(shards);
  });
  t.true(JSON.parse(before).length < KEYS, 'some were evicted');
  t.is(await withShards(t, options, contentsOf), before);
});

test.serial('with another number of shards, the keys are written anew before the node serves', async (t) => {
  const dataDir = await folderOf(t);
  const before = await withShards(t, { dataDir }, async (shards) => {
    for (let i = 0; i < 1000; i++) await shards.call('set', `key:${i}`, `value ${i}`, 'px', '100000000');
    await shards.persistence.snapshots?.take();
    for (let i = 500; i < 600; i++) await shards.call('del', `key:${i}`);
    return contentsOf(shards);
  });
  for (const count of [3, 1, 2]) {
    const flags = { '--shards': count };
    t.is(await withShards(t, { dataDir, flags }, contentsOf), before, `${count} shards`);
    const files = await dataFiles(dataDir);
    t.is(files.filter((name) => name.endsWith('.fxs')).length, count, files.join());
  }
});

test.serial('a node that is started anew knows what its newest snapshots have', async (t) => {
  const dataDir = await folderOf(t);
  const before = await withShards(t, { dataDir }, async (shards) => {
    for (let number = 0; number < 30; number++) await shards.call('set', `key:${number}`, 'x');
    await shards.persistence.snapshots?.take();
    return shards.persistence.snapshots?.facts();
  });
  t.is(before?.entries, 30);
  await withShards(t, { dataDir }, async (shards) => {
    const facts = shards.persistence.snapshots?.facts();
    t.deepEqual([facts?.entries, facts?.bytes], [30, before?.bytes]);
  });
});

test.serial('a snapshot is made when the log has grown, and when one is due by time', async (t) => {
  const dataDir = await folderOf(t);
  const flags = { '--snapshot-log-size': '1mb', '--snapshot-interval': '1s', '--fsync': 'no' };
  await withShards(t, { dataDir, flags }, async (shards) => {
    const made = (reason: string) => () => shards.threaded.log.some(({ fields }) => fields['reason'] === reason);
    await shards.call('set', 'key:1', 'x');
    await until('one is made by time', made('interval'));
    const value = 'x'.repeat(20_000);
    await until('one is made by size', () => {
      for (let i = 0; i < 10; i++) void shards.call('set', `key:${i}`, value);
      return made('log size')();
    });
    t.true((shards.persistence.snapshots?.facts().taken ?? 0) >= 2);
  });
});

test.serial('a stop does not wait for the end of a snapshot, and leaves nothing unfinished that counts', async (t) => {
  const dataDir = await folderOf(t);
  await withShards(t, { dataDir }, async (shards) => {
    for (let i = 0; i < 100; i++) await shards.call('set', `key:${i}`, 'x'.repeat(1000));
    const taking = shards.persistence.snapshots?.take();
    await shards.persistence.stopSnapshots();
    const taken = await taking;
    if (taken?.kind === 'failed') t.regex(taken.reason, /the node stops|busy|just now/);
    t.deepEqual(await shards.persistence.snapshots?.take(), { kind: 'failed', reason: 'shard 0: the node stops' });
  });
  t.is(JSON.parse(await withShards(t, { dataDir }, contentsOf)).length, 100);
});
