import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { type FileSystem, nodeFileSystem } from '../../../../src/cluster/consensus/journal-file.ts';
import type { Save } from '../../../../src/cluster/consensus/journal-payload.ts';
import { DamagedJournalError } from '../../../../src/cluster/consensus/journal-recovery.ts';
import { RaftLogError } from '../../../../src/cluster/consensus/raft-log-error.ts';
import { openRaftLog } from '../../../../src/cluster/consensus/raft-log-file.ts';
import { testScale } from '../../../scale.ts';

const SAVER = fileURLToPath(new URL('../../../raft-log-saver.ts', import.meta.url));
const nothing: Save = { hard: null, snapshot: null, entries: [] };

async function withDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'fluxcache-raft-'));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function saveOf(index: number, bytes = 10): Save {
  const payload = new Uint8Array(bytes).fill(index);
  return { hard: { term: 1, vote: 'a' }, snapshot: null, entries: [{ index, term: 1, kind: 'command', payload }] };
}

async function journals(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name !== 'raft.lock').sort();
}

/** The real file system, on which writes and syncs fail as `fault` says. */
function faulty(fault: { writes?: () => Error | null; syncs?: () => Error | null; bytesMax?: number }): FileSystem {
  return {
    ...nodeFileSystem,
    async create(path) {
      const file = await nodeFileSystem.create(path);
      return {
        async write(bytes, from, count, at) {
          const error = fault.writes?.() ?? null;
          // A disk that is full takes a part.
          const taken = error === null ? Math.min(count, fault.bytesMax ?? count) : count >> 1;
          const result = await file.write(bytes, from, taken, at);
          if (error !== null) throw error;
          return result;
        },
        async datasync() {
          const error = fault.syncs?.() ?? null;
          if (error !== null) throw error;
          await file.datasync();
        },
        close: () => file.close(),
      };
    },
  };
}

function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
}

test('what was saved is found by the next start, which counts one more', async (t) => {
  await withDirectory(async (parent) => {
    const directory = join(parent, 'not', 'there yet');
    const first = await openRaftLog(directory);
    t.is(first.boot, 1);
    t.deepEqual(first.raft, { hard: { term: 0, vote: null }, snapshot: null, entries: [] });
    await Promise.all([1, 2, 3].map((index) => first.save(saveOf(index))));
    await first.close();
    const second = await openRaftLog(directory);
    t.is(second.boot, 2);
    t.deepEqual(second.raft.hard, { term: 1, vote: 'a' });
    t.deepEqual(
      second.raft.entries.map((entry) => entry.index),
      [1, 2, 3],
    );
    await second.close();
    t.deepEqual(await readdir(directory), ['raft-2.journal']);
  });
});

test('the counter rises with a start that saves nothing', async (t) => {
  await withDirectory(async (directory) => {
    for (let boot = 1; boot <= 3; boot++) {
      const log = await openRaftLog(directory);
      t.is(log.boot, boot);
      await log.close();
    }
  });
});

test('a log that grows is rewritten, and one file is left', async (t) => {
  await withDirectory(async (directory) => {
    const log = await openRaftLog(directory, { rewriteBytesMin: 2000, rewriteFactor: 2 });
    for (let index = 1; index <= 60; index++) await log.save(saveOf(1, 200));
    await log.close();
    const [name = '', ...others] = await journals(directory);
    t.deepEqual(others, []);
    t.true(Number(/\d+/.exec(name)?.[0]) > 3);
    const again = await openRaftLog(directory);
    t.deepEqual(again.raft.entries, saveOf(1, 200).entries);
    await again.close();
  });
});

test('saves made while one is written are written together', async (t) => {
  await withDirectory(async (directory) => {
    let syncs = 0;
    const fileSystem = faulty({
      syncs: () => {
        syncs++;
        return null;
      },
    });
    const log = await openRaftLog(directory, { fileSystem });
    const done: number[] = [];
    await Promise.all(Array.from({ length: 50 }, (_, at) => log.save(saveOf(at + 1)).then(() => done.push(at))));
    t.true(syncs <= 3);
    t.deepEqual(done, [...done.keys()]);
    await log.close();
  });
});

test('a second process is refused while the first has the directory, and let in when it was killed', async (t) => {
  await withDirectory(async (directory) => {
    const saver = await startSaver(directory);
    const error = await t.throwsAsync(openRaftLog(directory), { instanceOf: RaftLogError });
    t.is(error?.code, 'locked');
    t.regex(error?.message ?? '', new RegExp(`process ${saver.process.pid}\\b`));
    await kill(saver);
    const log = await openRaftLog(directory);
    t.is(log.boot, 2);
    await t.throwsAsync(openRaftLog(directory), { instanceOf: RaftLogError });
    await log.close();
  });
});

test('the lock of a process whose id is used by another now is taken over', async (t) => {
  await withDirectory(async (directory) => {
    await writeFile(join(directory, 'raft.lock'), `${process.pid} some-other-start x\n`);
    const log = await openRaftLog(directory);
    await log.close();
    t.deepEqual(await readdir(directory), ['raft-1.journal']);
  });
});

test('a full disk refuses saves and loses nothing; when it has room again, all is saved', async (t) => {
  await withDirectory(async (directory) => {
    let isFull = false;
    const fileSystem = faulty({ writes: () => (isFull ? noSpace() : null) });
    const log = await openRaftLog(directory, { fileSystem });
    await log.save(saveOf(1));
    isFull = true;
    const saves = [2, 3].map((index) => log.save(saveOf(index)));
    for (const { status, reason } of (await Promise.allSettled(saves)) as PromiseRejectedResult[]) {
      t.is(status, 'rejected');
      t.true(reason instanceof RaftLogError);
      t.is(reason.code, 'failed');
      t.is(reason.cause.code, 'ENOSPC');
    }
    await t.throwsAsync(log.save(saveOf(4)), { instanceOf: RaftLogError });
    t.deepEqual(await journals(directory), ['raft-1.journal']);
    isFull = false;
    await log.save(nothing);
    await log.save(saveOf(5));
    await log.close();
    const again = await openRaftLog(directory);
    t.deepEqual(
      again.raft.entries.map((entry) => entry.index),
      [1, 2, 3, 4, 5],
    );
    await again.close();
  });
});

test('what is held while the disk refuses is in the file that the next save writes', async (t) => {
  await withDirectory(async (directory) => {
    let isFull = false;
    const log = await openRaftLog(directory, { fileSystem: faulty({ writes: () => (isFull ? noSpace() : null) }) });
    await log.save(saveOf(1));
    isFull = true;
    await t.throwsAsync(log.save(saveOf(2)), { instanceOf: RaftLogError });
    log.hold(saveOf(3));
    isFull = false;
    const next = log.save(saveOf(4));
    // As told while that one is on its way: it waits for a file of its own.
    log.hold(saveOf(5));
    await next;
    await log.save(nothing);
    await log.close();
    const again = await openRaftLog(directory);
    t.deepEqual(
      again.raft.entries.map((entry) => entry.index),
      [1, 2, 3, 4, 5],
    );
    await again.close();
  });
});

test('a process that ends on a full disk leaves what was saved', async (t) => {
  await withDirectory(async (directory) => {
    let isFull = false;
    const log = await openRaftLog(directory, { fileSystem: faulty({ writes: () => (isFull ? noSpace() : null) }) });
    await log.save(saveOf(1));
    isFull = true;
    await t.throwsAsync(log.save(saveOf(2, 1000)), { instanceOf: RaftLogError });
    await log.close();
    const error = await t.throwsAsync(openRaftLog(directory, { fileSystem: faulty({ writes: () => noSpace() }) }), {
      instanceOf: RaftLogError,
    });
    t.is(error?.code, 'failed');
    const again = await openRaftLog(directory);
    t.deepEqual(again.raft.entries, saveOf(1).entries);
    t.is(again.boot, 2);
    await again.close();
  });
});

test('after a sync that failed nothing is taken for durable in that file any more', async (t) => {
  await withDirectory(async (directory) => {
    let faults = 0;
    const fileSystem = faulty({ syncs: () => (faults-- > 0 ? new Error('EIO: i/o error, fdatasync') : null) });
    const log = await openRaftLog(directory, { fileSystem });
    faults = 1;
    await t.throwsAsync(log.save(saveOf(1)), { instanceOf: RaftLogError });
    await log.save(saveOf(2));
    t.deepEqual(await journals(directory), ['raft-2.journal']);
    await log.close();
  });
});

test('a disk that takes a few bytes at a time is written to the end', async (t) => {
  await withDirectory(async (directory) => {
    const log = await openRaftLog(directory, { fileSystem: faulty({ bytesMax: 7 }) });
    await log.save(saveOf(1, 100));
    await log.close();
    const again = await openRaftLog(directory);
    t.deepEqual(again.raft.entries, saveOf(1, 100).entries);
    await again.close();
  });
});

test('a rewrite cut off at any byte leaves the file before it; leftovers are removed', async (t) => {
  await withDirectory(async (directory) => {
    const log = await openRaftLog(directory);
    await log.save(saveOf(1));
    await log.close();
    const next = await openRaftLog(directory);
    await next.close();
    const image = await readFile(join(directory, 'raft-2.journal'));
    for (let bytes = 0; bytes <= image.length; bytes += 5) {
      const before = await journals(directory);
      const generation = Number(/\d+/.exec(before[0] ?? '')?.[0]);
      await writeFile(join(directory, `raft-${generation + 1}.journal.tmp`), image.subarray(0, bytes));
      const again = await openRaftLog(directory);
      t.deepEqual(again.raft.entries, saveOf(1).entries);
      await again.close();
      t.deepEqual(await journals(directory), [`raft-${generation + 1}.journal`]);
    }
  });
});

test('a torn end is left out; a damaged file is refused, also when an older one is there', async (t) => {
  await withDirectory(async (directory) => {
    const log = await openRaftLog(directory);
    await log.save(saveOf(1));
    await log.save(saveOf(2));
    await log.close();
    const path = join(directory, 'raft-1.journal');
    const whole = await readFile(path);
    await writeFile(join(directory, 'raft-0.journal'), whole);
    const damaged = new Uint8Array(whole);
    damaged.fill(0x5a, 70, 75);
    await writeFile(path, damaged);
    await t.throwsAsync(openRaftLog(directory), { instanceOf: DamagedJournalError });
    t.deepEqual(
      await journals(directory),
      ['raft-0.journal', 'raft-1.journal'],
      'nothing was touched, nor is it locked',
    );
    await writeFile(path, whole);
    // The mark, and a piece of the second save.
    await truncate(path, whole.length - 25);
    const again = await openRaftLog(directory);
    t.deepEqual(again.raft.entries, saveOf(1).entries);
    await again.close();
  });
});

test('a closed log refuses saves', async (t) => {
  await withDirectory(async (directory) => {
    const log = await openRaftLog(directory);
    const last = log.save(saveOf(1));
    await log.close();
    await t.notThrowsAsync(last);
    const error = await t.throwsAsync(log.save(saveOf(2)), { instanceOf: RaftLogError });
    t.is(error?.code, 'closed');
  });
});

test('kill -9 in the middle of saves loses none that was acknowledged', async (t) => {
  await withDirectory(async (directory) => {
    let last = 0;
    const rounds = 4 * testScale;
    for (let round = 1; round <= rounds; round++) {
      const saver = await startSaver(directory);
      t.is(saver.boot, round);
      const target = last + 20 + ((round * 37) % 90);
      while (saver.acknowledged() < target) await once(saver.lines, 'line');
      await kill(saver);
      last = saver.acknowledged();
    }
    const log = await openRaftLog(directory);
    t.is(log.boot, rounds + 1);
    const { snapshot, entries, hard } = log.raft;
    const found = (snapshot?.index ?? 0) + entries.length;
    // What was under way may be there, too.
    t.true(found >= last && found <= last + 3);
    t.is(hard.term, rounds);
    for (const entry of entries) t.deepEqual(entry.payload, new Uint8Array(100).fill(entry.index));
    if (snapshot !== null) t.deepEqual(snapshot.data, new Uint8Array(200).fill(snapshot.index));
    await log.close();
  });
});

interface Saver {
  readonly process: ChildProcess;
  readonly lines: ReturnType<typeof createInterface>;
  readonly boot: number;
  acknowledged(): number;
}

async function startSaver(directory: string): Promise<Saver> {
  const child = spawn(process.execPath, ['--import=tsx', SAVER, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  let last = 0;
  const [first] = (await once(lines, 'line')) as [string];
  lines.on('line', (line) => {
    last = Number(line);
  });
  return { process: child, lines, boot: Number(first.replace('boot ', '')), acknowledged: () => last };
}

/** Kills it, and waits until what it had printed was read. */
async function kill(saver: Saver): Promise<void> {
  const closed = once(saver.lines, 'close');
  const exited = once(saver.process, 'exit');
  saver.process.kill('SIGKILL');
  await Promise.all([closed, exited]);
}
