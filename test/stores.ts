import test, { type ExecutionContext } from 'ava';
import type { WriteView } from '../src/base/view.ts';
import { createStoreMemory } from '../src/store/arena.ts';
import { StoreWriter } from '../src/store/writer.ts';
import { CommandRunner, type Value, type Word } from './command-runner.ts';
import { ModelStore } from './model-store.ts';

/** A clock that stands still until it is moved. */
export class ManualClock {
  timeMs = 1_700_000_000_000;

  nowMs(): number {
    return this.timeMs;
  }
}

/** A store with a runner of commands on it, and its clock. */
export interface Bench {
  readonly store: WriteView;
  readonly runner: CommandRunner;
  readonly clock: ManualClock;
  /** Runs one command written as words with blanks between them. */
  readonly run: (line: string, ...more: readonly Word[]) => Value;
}

function benchOn(makeStore: (clock: ManualClock) => WriteView): Bench {
  const clock = new ManualClock();
  const store = makeStore(clock);
  const runner = new CommandRunner(store);
  const run = (line: string, ...more: readonly Word[]): Value => {
    const [name = '', ...words] = line.split(' ');
    return runner.run(name, ...words, ...more);
  };
  return { store, runner, clock, run };
}

/** A fresh store off the heap, of 4 MiB. */
export function realBench(): Bench {
  return benchOn((clock) => {
    const memory = createStoreMemory({ budgetBytes: 4 << 20, readersMax: 1, eviction: 'noeviction', hashKey: [7, 9] });
    return new StoreWriter(memory, clock);
  });
}

export function modelBench(): Bench {
  return benchOn((clock) => {
    const store = new ModelStore();
    store.nowMs = () => clock.timeMs;
    return store;
  });
}

/** Declares a test of commands twice: on the model of a store and on the real one. */
export function testCommands(title: string, body: (t: ExecutionContext, bench: Bench) => void): void {
  test(`${title} (model store)`, (t) => body(t, modelBench()));
  test(`${title} (real store)`, (t) => body(t, realBench()));
}
