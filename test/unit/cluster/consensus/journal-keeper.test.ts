import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { JournalKeeper } from '../../../../src/cluster/consensus/journal-keeper.ts';
import type { Save } from '../../../../src/cluster/consensus/journal-payload.ts';

function saveOf(term: number): Save {
  return { hard: { term, vote: null }, snapshot: null, entries: [] };
}

/** A log that refuses while `fault` says why, and answers when `answer` is called if it is `isStuck`. */
class FakeLog {
  fault: string | null = null;
  isStuck = false;
  /** What each attempt had the file hold: everything told until then. */
  readonly attempts: (number | undefined)[][] = [];
  readonly #told: (number | undefined)[] = [];
  #waiting: (() => void)[] = [];

  async save({ hard }: Save): Promise<void> {
    if (hard !== null) this.#told.push(hard.term);
    this.attempts.push([...this.#told]);
    if (this.isStuck) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.fault !== null) throw new Error(this.fault);
  }

  hold({ hard }: Save): void {
    this.#told.push(hard?.term);
  }

  answer(): void {
    this.isStuck = false;
    for (const resolve of this.#waiting) resolve();
    this.#waiting = [];
  }

  async close(): Promise<void> {}
}

function open() {
  const log = new FakeLog();
  const durable: number[] = [];
  const changes: (string | null)[] = [];
  const clock = { nowMs: 0 };
  const keeper = new JournalKeeper(log, {
    durable: (number) => durable.push(number),
    changed: (trouble) => changes.push(trouble),
    nowMs: () => clock.nowMs,
  });
  return { log, durable, changes, clock, keeper };
}

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !isSo(); turn++) await sleep(10);
}

test('nothing is durable while the disk refuses, and all is once it does not', async (t) => {
  const { log, durable, changes, keeper } = open();
  keeper.save(1, saveOf(1));
  await until(() => durable.length === 1);
  log.fault = 'ENOSPC';
  keeper.save(2, saveOf(2));
  keeper.save(3, saveOf(3));
  await until(() => changes.length === 1);
  keeper.save(4, saveOf(4));
  await until(() => keeper.failures >= 4);
  t.deepEqual([durable, changes, keeper.trouble(0)], [[1], ['ENOSPC'], 'ENOSPC']);
  log.fault = null;
  await until(() => durable.length === 2);
  t.deepEqual([durable, changes, keeper.trouble(0)], [[1, 4], ['ENOSPC', null], null]);
  t.deepEqual(log.attempts.at(-1), [1, 2, 3, 4]);
  await keeper.close();
});

test('what is to be saved while the disk refuses makes no attempts of its own', async (t) => {
  const { log, changes, keeper } = open();
  log.fault = 'EIO';
  keeper.save(1, saveOf(1));
  await until(() => changes.length === 1);
  for (let number = 2; number < 100; number++) keeper.save(number, saveOf(number));
  t.is(log.attempts.length, 1);
  await keeper.close();
});

test('a disk that does not answer is told of after a while, and not when it has', async (t) => {
  const { log, durable, clock, keeper } = open();
  log.isStuck = true;
  keeper.save(1, saveOf(1));
  t.is(keeper.trouble(1000), null);
  t.regex(keeper.trouble(4000) ?? '', /does not answer/);
  clock.nowMs = 4000;
  log.answer();
  await until(() => durable.length === 1);
  t.is(keeper.trouble(60_000), null);
});

test('a keeper that was closed tells of nothing any more, and tries nothing', async (t) => {
  const { log, durable, changes, keeper } = open();
  log.fault = 'EIO';
  keeper.save(1, saveOf(1));
  await until(() => changes.length === 1);
  await keeper.close();
  log.fault = null;
  const { length } = log.attempts;
  await sleep(250);
  t.deepEqual([log.attempts.length, durable, changes], [length, [], ['EIO']]);
});
