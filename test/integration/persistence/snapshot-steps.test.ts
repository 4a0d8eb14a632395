import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createDoorbell } from '../../../src/mailbox/doorbell.ts';
import { readName } from '../../../src/persistence/data-names.ts';
import { frameSeed } from '../../../src/persistence/frame.ts';
import { LogDiskFile } from '../../../src/persistence/log-disk-file.ts';
import { LogGate, LogState } from '../../../src/persistence/log-gate.ts';
import { LogWriter } from '../../../src/persistence/log-writer.ts';
import { publishSnapshot } from '../../../src/persistence/snapshot-file.ts';
import { runJob, type SnapshotJobInput } from '../../../src/persistence/snapshot-job.ts';
import { encodeSnapshotEnd } from '../../../src/persistence/snapshot-marks.ts';
import {
  type SnapshotOutcome,
  type SnapshotShard,
  SnapshotTaker,
} from '../../../src/server/persistence/snapshot-taker.ts';
import { createStoreMemory } from '../../../src/store/arena.ts';
import { EffectLog } from '../../../src/store/effect-log.ts';
import { PartitionedWriter } from '../../../src/store/partitioned-writer.ts';
import { type Contents, type Files, PARTITIONS, RecoveringShard, TestFolder } from '../../kept-shard.ts';
import { putRequest } from '../../property/store/model.ts';

const STORE = Uint8Array.from({ length: 16 }, (_, index) => 7 + index * 11);
const SEED = frameSeed(STORE);
const NOW_MS = 1_800_000_000_000;
const clock = { nowMs: () => NOW_MS };

/** A moment at which the process may be killed: what is on the disk, and what must be found there. */
interface Moment {
  readonly what: string;
  readonly files: Files;
  readonly contents: string;
}

/** Every turn of the shard ends at once. */
class TurningGate extends LogGate {
  /** What is done at its end. */
  onTurn: () => void = () => undefined;

  override askForTurn(): number {
    this.onTurn();
    return super.askForTurn();
  }

  override isTurnDone(): boolean {
    return true;
  }
}

/** A shard, its log and its snapshots in one thread, and what is on the disk at each step. */
class SteppedShard {
  readonly folder = new TestFolder();
  readonly moments: Moment[] = [];
  readonly gate = new TurningGate(LogGate.create());
  readonly writer: LogWriter;
  readonly store: PartitionedWriter;
  readonly #shard: SnapshotShard;
  readonly #effects = new EffectLog();
  readonly #reader = new RecoveringShard({ budgetBytes: 8 << 20, clock });
  readonly #taker: SnapshotTaker;
  /** Done at every step. */
  meanwhile: (step: string) => void = () => undefined;
  failsAt = '';
  #number = 0;

  constructor(segmentBytesMax = 2000) {
    const partitions = { first: 0, count: PARTITIONS, total: PARTITIONS };
    const memory = createStoreMemory({
      budgetBytes: 8 << 20,
      readersMax: 2,
      eviction: 'noeviction',
      hashKey: [1, 2],
      partitions,
    });
    this.store = new PartitionedWriter(memory, clock);
    this.store.effects = this.#effects;
    const header = { shard: 0, shards: 1, storeId: STORE };
    const disk = new LogDiskFile({ folder: this.folder.path, header, previous: null, nowMs: () => 1 });
    disk.begin(1, false);
    this.writer = new LogWriter({
      disk,
      gate: this.gate,
      policy: { now: 'always' },
      seed: SEED,
      firstSequence: 1,
      segmentBytesMax,
      frameBytesMax: 1000,
      queuedBytesMax: 2 ** 20,
      nowMs: () => 0,
      onTrouble: () => undefined,
    });
    this.#shard = {
      shard: 0,
      folder: this.folder.path,
      memory,
      gate: this.gate,
      bell: createDoorbell(),
      isServing: () => true,
      thread: {
        restart: async () => {
          this.#step('before a segment is begun');
          const sequence = this.writer.restart();
          this.#step('a segment is begun');
          return { sequence, trouble: this.writer.trouble };
        },
        sync: async () => {
          this.#step('before all is synced');
          const synced = this.writer.sync();
          this.#step('all is synced');
          return synced;
        },
        mend: (sequence) => this.writer.mend(sequence),
      },
    };
    this.#taker = new SnapshotTaker({
      jobs: {
        run: async <Output>(_job: unknown, input: unknown) => {
          this.#step('before a piece');
          if (this.failsAt === 'piece') return { kind: 'failed', reason: 'no space left' } as const;
          const output = runJob(input as SnapshotJobInput) as Output;
          this.#step('a piece is written');
          return { kind: 'done', output } as const;
        },
      },
      reader: 1,
      shards: 1,
      storeId: STORE,
      clock,
      // A slice each.
      pieceMs: 0,
      restFactor: 0,
      isStopped: () => false,
      onLeftOver: (_folder, error) => {
        throw error;
      },
    });
  }

  take(): Promise<SnapshotOutcome> {
    return this.#taker.take(this.#shard, () => this.#step('between pieces'));
  }

  /** What was done is logged, and on the disk. */
  commit(): void {
    this.#effects.drain((partition, _keys, record) => this.writer.add(partition, record, 0, record.length));
    this.writer.commit();
  }

  put(key: string, value: string): void {
    this.store.put(putRequest(key, Buffer.from(value)));
  }

  remove(key: string): void {
    this.store.remove(Buffer.from(key), 0, Buffer.from(key).length);
  }

  /** Changes something, another thing each time. */
  change(): void {
    const number = ++this.#number;
    const key = `key:${(number * 37) % 900}`;
    if (number % 7 === 3) this.remove(key);
    else if (number % 41 === 5) this.store.clearPartition(number % PARTITIONS);
    else if (number % 5 === 2 && this.store.beginGroup(3, 300)) {
      for (let i = 0; i < 3; i++) this.put(`key:${(number * 11 + i * 50) % 900}`, `group ${number}`);
      if (number % 2 === 0) this.store.endGroup();
      else this.store.abandonGroup();
    } else if (number % 6 === 1) this.store.setExpiry(Buffer.from(key), 0, key.length, NOW_MS + 1000 + number);
    else this.put(key, `value ${number}`);
    this.commit();
  }

  #step(what: string): void {
    this.meanwhile(what);
    this.note(what);
  }

  note(what: string): void {
    this.moments.push({ what, files: this.folder.files(), contents: textOf(this.contents()) });
  }

  contents(): Contents {
    return RecoveringShard.prototype.contents.call({ store: this.store });
  }

  /** What a process would find. */
  found(files: Files): string {
    const folder = new TestFolder();
    try {
      folder.fill(files);
      const recovery = this.#reader.recover(STORE, [folder.path]);
      if ('refusal' in recovery) return `refused: ${recovery.refusal.message}`;
      const again = this.#reader.recover(STORE, [folder.path]);
      if ('refusal' in again) return `refused when tidied up: ${again.refusal.message}`;
      return textOf(again.contents);
    } finally {
      folder.end();
    }
  }

  checkMoments(t: ExecutionContext): void {
    for (const { what, files, contents } of this.moments) t.is(this.found(files), contents, what);
  }
}

function textOf(contents: Contents): string {
  return JSON.stringify([...contents].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function shardWith(t: ExecutionContext, keys = 800): SteppedShard {
  const shard = new SteppedShard();
  t.teardown(() => shard.folder.end());
  for (let i = 0; i < keys; i++) shard.put(`key:${i}`, `first ${i}`);
  shard.commit();
  return shard;
}

const namesOf = (files: Files, kind: 'log' | 'snapshot'): string[] =>
  [...files.keys()].filter((name) => readName(name)?.kind === kind);

test('killed at any step of a snapshot, a process finds all that was acknowledged', async (t) => {
  const shard = shardWith(t);
  let steps = 0;
  shard.meanwhile = () => {
    steps++;
    for (let i = 0; i < 5; i++) shard.change();
  };
  for (let i = 0; i < 3; i++) {
    t.is((await shard.take()).kind, 'done');
    shard.note('a snapshot is published, and what it makes superfluous is gone');
  }
  t.true(steps > 20, `${steps}`);
  shard.checkMoments(t);
  const files = shard.folder.files();
  t.is(namesOf(files, 'snapshot').length, 1);
  const [snapshot = ''] = namesOf(files, 'snapshot');
  t.true(namesOf(files, 'log').every((name) => (readName(name)?.sequence ?? 0) >= (readName(snapshot)?.sequence ?? 0)));
});

test('killed while a snapshot is published or what it makes superfluous is removed, likewise', async (t) => {
  const shard = shardWith(t);
  t.is((await shard.take()).kind, 'done');
  for (let i = 0; i < 200; i++) shard.change();
  t.is((await shard.take()).kind, 'done');
  const before = shard.moments.at(-1) as Moment;
  const after = shard.folder.files();
  const contents = textOf(shard.contents());
  t.is(before.contents, contents, 'nothing was changed meanwhile');
  const [name = ''] = namesOf(after, 'snapshot');
  const whole = after.get(name) as Uint8Array;
  const unfinished = [...before.files.keys()].find((other) => other === `${name}.tmp`);
  t.not(unfinished, undefined, [...before.files.keys()].join());
  // Its end, and any part of it, under the name of what is not finished.
  const begun = before.files.get(`${name}.tmp`) as Uint8Array;
  t.true(whole.length > begun.length);
  for (let length = begun.length; length <= whole.length; length++) {
    t.is(shard.found(new Map([...before.files, [`${name}.tmp`, whole.slice(0, length)]])), contents, `${length} bytes`);
  }
  // It has its name, and any of the others are gone.
  const published = new Map(before.files).set(name, whole);
  published.delete(`${name}.tmp`);
  const others = [...before.files.keys()].filter((other) => !after.has(other) && other !== `${name}.tmp`);
  t.true(others.length >= 3, others.join());
  const first = others.slice(0, 5);
  for (let gone = 0; gone < 2 ** first.length; gone++) {
    const files = new Map(published);
    for (const [index, other] of first.entries()) if ((gone & (1 << index)) !== 0) files.delete(other);
    t.is(shard.found(files), contents, `${gone}`);
  }
});

test('a snapshot that cannot be written leaves what was there, and the next one is whole', async (t) => {
  const shard = shardWith(t);
  t.is((await shard.take()).kind, 'done');
  const [before] = namesOf(shard.folder.files(), 'snapshot');
  shard.meanwhile = () => shard.change();
  shard.failsAt = 'piece';
  t.deepEqual(await shard.take(), { kind: 'failed', reason: 'no space left' });
  const files = shard.folder.files();
  t.deepEqual(namesOf(files, 'snapshot'), [before as string]);
  t.false([...files.keys()].some((name) => name.endsWith('.tmp')));
  t.is(shard.found(files), textOf(shard.contents()));
  shard.failsAt = '';
  t.is((await shard.take()).kind, 'done');
  t.is(shard.found(shard.folder.files()), textOf(shard.contents()));
  shard.checkMoments(t);
});

test('what the store showed while it was read is in the log before the snapshot counts', async (t) => {
  const shard = shardWith(t, 50);
  const sent = shard.writer.next;
  // Entries that were read by then, and one that comes.
  shard.meanwhile = (step) => {
    if (step === 'between pieces') for (let i = 0; i < 51; i++) shard.put(`key:${i}`, 'shown, and not sent');
  };
  shard.gate.onTurn = () => shard.commit();
  t.is((await shard.take()).kind, 'done');
  t.true(shard.writer.next > sent);
  t.is(shard.found(shard.folder.files()), textOf(shard.contents()));
});

test('a snapshot is on the disk before it has its name, and the name before anything else is done', async (t) => {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  const [temporary, path] = [join(folder.path, 'snapshot.tmp'), join(folder.path, 'snapshot')];
  await writeFile(temporary, 'what is there, and a torn end');
  const done: string[] = [];
  await publishSnapshot(temporary, path, 13, { entries: 3, sequence: 7 }, SEED, {
    open: async (name, ...rest) => {
      const file = await open(name, ...rest);
      const { sync, write } = file;
      file.sync = async () => {
        done.push(`sync ${String(name)}`);
        await sync.call(file);
      };
      file.write = ((...args: Parameters<typeof write>) => {
        done.push(`write ${String(name)}`);
        return write.apply(file, args);
      }) as typeof write;
      return file;
    },
    rename: async (from, to) => {
      done.push(`rename ${String(from)}`);
      await rename(from, to);
    },
  });
  t.deepEqual(done, [`write ${temporary}`, `sync ${temporary}`, `rename ${temporary}`, `sync ${folder.path}`]);
  const bytes = await readFile(path);
  t.is(bytes.subarray(0, 13).toString(), 'what is there');
  t.deepEqual(bytes.subarray(13), Buffer.from(encodeSnapshotEnd({ entries: 3, sequence: 7 }, SEED)));
});

test('a second snapshot with nothing in between takes the place of the first, and the log goes on', async (t) => {
  const shard = shardWith(t, 50);
  const first = await shard.take();
  const second = await shard.take();
  t.deepEqual(second, first);
  shard.change();
  shard.note('and on');
  shard.checkMoments(t);
});

test('a snapshot is not published when the actor died meanwhile', async (t) => {
  const shard = shardWith(t, 50);
  shard.meanwhile = (step) => {
    if (step === 'a piece is written') shard.gate.beginReign(shard.writer.next - 1);
  };
  t.deepEqual(await shard.take(), { kind: 'failed', reason: 'the actor of the shard died meanwhile' });
  t.deepEqual(namesOf(shard.folder.files(), 'snapshot'), []);
});

test('a snapshot mends a log that lost something, even when that fills a segment meanwhile', async (t) => {
  const shard = shardWith(t, 300);
  t.is((await shard.take()).kind, 'done');
  // A sync that fails: what was written may be gone.
  const { writer } = shard;
  const sync = LogDiskFile.prototype.sync;
  LogDiskFile.prototype.sync = () => {
    throw Object.assign(new Error('input/output error'), { errno: -5 });
  };
  shard.put('lost', 'to the log');
  shard.commit();
  LogDiskFile.prototype.sync = sync;
  t.is(shard.gate.state, LogState.broken);
  for (let i = 0; i < 20; i++) shard.change();
  shard.meanwhile = (step) => {
    if (step === 'a piece is written') for (let i = 0; i < 200; i++) shard.change();
  };
  shard.moments.length = 0;
  t.is((await shard.take()).kind, 'done');
  t.is(shard.gate.state, LogState.well);
  t.true(shard.gate.get('durable') >= writer.next - 1);
  shard.change();
  t.is(shard.found(shard.folder.files()), textOf(shard.contents()));
  t.regex(textOf(shard.contents()), /lost/);
  // Before it was published, what had been acknowledged is found, and nothing of what came behind.
  for (const { files, what } of shard.moments) t.notRegex(shard.found(files), /refused/, what);
  t.true(namesOf(shard.folder.files(), 'log').length > 0, join(...namesOf(shard.folder.files(), 'log')));
});
