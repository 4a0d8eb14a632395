import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShardsOnDisk, type ShardsOnDiskOptions } from '../../shards-on-disk.ts';
import { until } from '../../threaded-shards.ts';
import { faultyFrontTable } from '../shard/faulty-table.ts';

type Options = Omit<ShardsOnDiskOptions, 'dataDir'>;

const REFUSED = /^error disk-failed the log on the disk cannot be written/;

async function shardsOnDisk(t: ExecutionContext, options: Options = {}): Promise<ShardsOnDisk> {
  const dataDir = await mkdtemp(join(tmpdir(), 'fluxcache-disk-'));
  const shards = await ShardsOnDisk.open({ dataDir, ...options });
  t.teardown(async () => {
    await shards.disk('none');
    await shards.stop();
    await rm(dataDir, { recursive: true });
  });
  return shards;
}

/** What a process would find that was started now on what is on the disk. */
async function foundAfterKill(
  t: ExecutionContext,
  shards: ShardsOnDisk,
  keys: readonly string[],
  flags: ShardsOnDiskOptions['flags'] = {},
): Promise<unknown[]> {
  const dataDir = await shards.copyOfDisk();
  const found = await ShardsOnDisk.open({ dataDir, flags });
  try {
    return await Promise.all(keys.map((key) => found.call('get', key)));
  } finally {
    t.true(await found.stop());
    await rm(dataDir, { recursive: true });
  }
}

for (const fault of ['enospc', 'eio'] as const) {
  test.serial(
    `while writes end with ${fault}, writes are refused and reads go on; after it nothing is missing`,
    async (t) => {
      const shards = await shardsOnDisk(t, { flags: { '--fsync': 'always' } });
      t.is(await shards.call('set', 'before', '1'), 'OK');
      await shards.disk(fault);
      // The disk's state is found out by a write, whose reply waits.
      const waiting = shards.call('set', 'before', '2');
      // The state is in shared memory; what the disk said comes as a message, a moment later.
      await until('the log fails', () => shards.persistence.troubles()[0]?.endsWith(')') === true);
      t.regex(
        shards.persistence.troubles()[0] ?? '',
        /cannot be written; it is tried again: writes are refused \((ENOSPC|EIO): as the test has asked for\)$/,
      );
      const refused = shards.threaded.keyOf(shards.threaded.shards.map.shardOfKey(Buffer.from('before'), 0, 6), 1);
      t.regex(String(await shards.call('set', refused, 'x')), REFUSED);
      t.regex(String(await shards.call('del', 'before')), REFUSED);
      t.is(await shards.call('get', 'before'), '2');
      t.is(await shards.call('get', refused), null);

      await shards.disk('none');
      t.is(await waiting, 'OK');
      await until('the log is well', () => shards.persistence.troubles().length === 0);
      t.is(await shards.call('set', refused, '3'), 'OK');
      t.deepEqual(await foundAfterKill(t, shards, ['before', refused]), ['2', '3']);
      const messages = shards.threaded.log.map(({ message }) => message);
      await until('it is logged', () =>
        shards.threaded.log.some(({ message }) => message.includes('is written again')),
      );
      t.true(messages.includes('the log on the disk is in trouble'), messages.join('\n'));
    },
  );
}

test.serial(
  'a reply that waits for a disk that takes nothing is told as one of unknown outcome, in bounded time',
  async (t) => {
    const shards = await shardsOnDisk(t, { flags: { '--fsync': 'always' } });
    await shards.disk('hang');
    const beganMs = performance.now();
    t.regex(
      String(await shards.call('set', 'key', '1')),
      /^error indeterminate the write is not known to be on the disk/,
    );
    const tookMs = performance.now() - beganMs;
    t.true(tookMs > 4000 && tookMs < 15_000, `${tookMs} ms`);
    t.is(await shards.call('get', 'key'), '1');
    t.regex(shards.persistence.troubles().join(), /has waited \d+ s for the disk/);
    await shards.disk('none');
    await until('the log is well', () => shards.persistence.troubles().length === 0);
    t.is(await shards.call('set', 'key', 'again'), 'OK');
  },
);

test.serial('after a sync that failed writes are refused until a snapshot has what may be missing', async (t) => {
  const shards = await shardsOnDisk(t, { flags: { '--fsync': 'always' } });
  const keys = Array.from({ length: 50 }, (_, number) => shards.threaded.keyOf(0, number));
  for (const key of keys) t.is(await shards.call('set', key, 'first'), 'OK');
  await shards.disk('sync');
  const waiting = shards.call('set', keys[0] as string, 'second');
  await until('the log is broken', () => shards.persistence.troubles().some((text) => text.includes('has a gap')));
  t.regex(String(await shards.call('set', keys[1] as string, 'x')), REFUSED);
  t.is(await shards.call('get', keys[1] as string), 'first');
  await shards.disk('none');
  t.true(['OK', 'error'].includes(String(await waiting).split(' ')[0] ?? ''));
  await until('a snapshot mends the log', () => shards.persistence.troubles().length === 0, 60_000);
  t.is(await shards.call('set', keys[2] as string, 'third'), 'OK');
  const [second, first, third] = await foundAfterKill(t, shards, keys);
  t.deepEqual([second, first, third], ['second', 'first', 'third']);
});

test.serial('with --on-disk-error continue writes go on in memory, and a snapshot makes up for them', async (t) => {
  const flags = { '--on-disk-error': 'continue', '--fsync': 'always', '--max-log-queue': '1mb' };
  const shards = await shardsOnDisk(t, { flags });
  t.is(await shards.call('set', 'key', '0'), 'OK');
  await shards.disk('enospc');
  const keys = Array.from({ length: 40 }, (_, number) => shards.threaded.keyOf(0, number));
  // More than may wait for the disk.
  for (const key of keys) t.is(await shards.call('set', key, `${key} ${'x'.repeat(100_000)}`), 'OK');
  await until('the log gives up', () => shards.persistence.troubles().some((text) => text.includes('has a gap')));
  t.regex(shards.persistence.troubles()[0] ?? '', /writes go on in memory alone/);
  t.is(await shards.call('set', keys[0] as string, 'last'), 'OK');
  await shards.disk('none');
  await until('a snapshot mends the log', () => shards.persistence.troubles().length === 0, 60_000);
  const found = await foundAfterKill(t, shards, keys);
  t.is(found[0], 'last');
  t.deepEqual(
    found.slice(1),
    keys.slice(1).map((key) => `${key} ${'x'.repeat(100_000)}`),
  );
});

test.serial('a transaction is refused as a whole while the disk fails, and one that only reads is not', async (t) => {
  const shards = await shardsOnDisk(t, { flags: { '--fsync': 'always' } });
  const [here, there] = [shards.threaded.keyOf(0), shards.threaded.keyOf(1)];
  for (const key of [here, there]) t.is(await shards.call('set', key, 'before'), 'OK');
  await shards.disk('enospc');
  void shards.call('set', shards.threaded.keyOf(0, 5), 'x');
  await until('the log fails', () => shards.persistence.troubles().length > 0);
  // What it read; `mset` over two shards is two writes, and the one that can be done is.
  t.deepEqual(await shards.call('mget', here, there), ['before', 'before']);
  t.regex(String(await shards.call('mset', here, 'x', there, 'y')), REFUSED);
  t.is(await shards.call('get', here), 'before');
});

test.serial(
  'a directory that is removed under a running node has it say so, and write all anew when it can',
  async (t) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'fluxcache-disk-'));
    t.teardown(() => rm(dataDir, { recursive: true }));
    const shards = await ShardsOnDisk.open({ dataDir, flags: { '--fsync': 'always' } });
    t.teardown(() => shards.stop());
    const keys = join(dataDir, 'keys');
    const manifest = await readFile(join(keys, 'manifest.json'), 'utf8');
    const names = Array.from({ length: 40 }, (_, number) => `key:${number}`);
    for (const name of names) t.is(await shards.call('set', name, 'kept'), 'OK');
    await rm(keys, { recursive: true });
    // Nothing can be made there.
    await writeFile(keys, '');
    await until('both logs are missed', () => shards.persistence.troubles().length === 2);
    t.regex(shards.persistence.troubles()[0] ?? '', /writes are refused \((ENOENT|ENOTDIR): /);
    for (const name of names) t.regex(String(await shards.call('set', name, 'x')), REFUSED);
    t.is(await shards.call('get', 'key:7'), 'kept');
    const failed = await shards.persistence.snapshots?.take();
    t.regex(failed?.kind === 'failed' ? failed.reason : '', /^shard 0: (ENOTDIR|EEXIST): .*keys/);

    await rm(keys);
    await until('snapshots have all', () => shards.persistence.troubles().length === 0, 60_000);
    t.is(await readFile(join(keys, 'manifest.json'), 'utf8'), manifest);
    t.is(await shards.call('set', 'key:7', 'after'), 'OK');
    t.deepEqual(await foundAfterKill(t, shards, ['key:7', 'key:8']), ['after', 'kept']);
    await t.throwsAsync(ShardsOnDisk.open({ dataDir }), { message: /is in use by process/ }, 'it is locked again');
  },
);

test.serial('a directory with the keys of another store in its place is left as it is', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'fluxcache-disk-'));
  t.teardown(() => rm(dataDir, { recursive: true }));
  const other = await mkdtemp(join(tmpdir(), 'fluxcache-disk-'));
  t.teardown(() => rm(other, { recursive: true }));
  t.true(await (await ShardsOnDisk.open({ dataDir: other })).stop());
  const shards = await ShardsOnDisk.open({ dataDir });
  t.teardown(() => shards.stop());
  await rename(join(dataDir, 'keys'), join(dataDir, 'aside'));
  await rename(join(other, 'keys'), join(dataDir, 'keys'));
  const before = await readFile(join(dataDir, 'keys/manifest.json'), 'utf8');
  await until('both logs are missed', () => shards.persistence.troubles().length === 2);
  const failed = await shards.persistence.snapshots?.take();
  t.regex(failed?.kind === 'failed' ? failed.reason : '', /manifest\.json is another store's now$/);
  t.is(await readFile(join(dataDir, 'keys/manifest.json'), 'utf8'), before);
});

test.serial('a log whose thread dies has the node end, and says why', async (t) => {
  const shards = await shardsOnDisk(t, { flags: { '--fsync': 'always' } });
  t.is(await shards.call('set', 'key', 'kept'), 'OK');
  await shards.disk('die');
  void shards.call('set', 'key', 'lost');
  await until('the thread is missed', () => shards.failures.length > 0);
  t.regex(shards.failures[0] ?? '', /^The log of shard [01] has ended: its thread exited with 3$/);
  t.deepEqual(await foundAfterKill(t, shards, ['key']), ['kept']);
});

test.serial('a clean stop while the disk takes nothing says that not all is kept', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'fluxcache-disk-'));
  t.teardown(() => rm(dataDir, { recursive: true }));
  const shards = await ShardsOnDisk.open({ dataDir });
  t.is(await shards.call('set', 'key', 'kept'), 'OK');
  await shards.disk('enospc');
  void shards.call('set', 'key', 'lost');
  await until('the log fails', () => shards.persistence.troubles().length > 0);
  t.false(await shards.stop());
  const found = await ShardsOnDisk.open({ dataDir });
  t.is(await found.call('get', 'key'), 'kept');
  await found.disk('none');
  t.true(await found.stop());
});

for (const fault of ['fault.assert', 'fault.hang', 'fault.group'] as const) {
  test.serial(`nothing acknowledged is lost when an actor dies by ${fault} and the process right after`, async (t) => {
    const shards = await shardsOnDisk(t, {
      table: faultyFrontTable,
      entry: new URL('../shard/faulty-shard-thread.ts', import.meta.url),
      limits: { hangMs: fault === 'fault.hang' ? 300 : 20_000, heapMiB: 48, restartFirstMs: 1, restartCapMs: 5 },
      flags: { '--fsync': 'always' },
    });
    const { threaded } = shards;
    /** By key: what was acknowledged last, and what was sent after it, of which nothing is known. */
    const possible = new Map<string, string[]>();
    const set = async (number: number, value: string): Promise<void> => {
      const key = threaded.keyOf(0, number);
      const reply = String(await shards.call('set', key, value));
      if (reply === 'OK') possible.set(key, [value]);
      else {
        t.regex(reply, /^error indeterminate/);
        possible.get(key)?.push(value);
      }
    };
    const check = async (): Promise<void> => {
      const found = await foundAfterKill(t, shards, [...possible.keys()]);
      for (const [at, [key, values]] of [...possible].entries()) {
        t.true(values.includes(String(found[at])), `${key} is ${found[at]}, and not ${values.join(' or ')}`);
      }
    };
    await Promise.all(Array.from({ length: 100 }, (_, number) => set(number, 'before')));
    const during = Array.from({ length: 50 }, (_, number) => set(number, 'during'));
    const failing = shards.call(fault, threaded.keyOf(0));
    const behind = Array.from({ length: 50 }, (_, number) => set(50 + number, 'behind'));
    t.regex(String(await failing), /^error indeterminate/);
    await Promise.all([...during, ...behind]);
    await check();
    await set(7, 'after');
    t.deepEqual(possible.get(threaded.keyOf(0, 7)), ['after']);
    await until('a snapshot has what the log lacks', () => (shards.persistence.snapshots?.facts().taken ?? 0) > 0);
    await check();
    t.is(threaded.shards.supervisor.restarts(0), 1);
    t.deepEqual(shards.failures, []);
  });
}
