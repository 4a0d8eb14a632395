import test from 'ava';
import { WaitState } from '../../../src/base/wait-state.ts';
import { PartitionGates, ReignStage } from '../../../src/cluster/partition-gates.ts';

/** Runs `look`, and before its load of that number `meanwhile`: as if another thread did, there. */
function interrupted<Result>(load: number, meanwhile: () => void, look: () => Result): Result {
  const original = Atomics.load;
  let loads = 0;
  const spied = (words: Int32Array, index: number): number => {
    loads++;
    if (loads === load) {
      Atomics.load = original;
      meanwhile();
      Atomics.load = spied as typeof Atomics.load;
    }
    return original(words, index);
  };
  Atomics.load = spied as typeof Atomics.load;
  try {
    return look();
  } finally {
    Atomics.load = original;
  }
}

test.serial('a write that its reign did not get acknowledged is never taken for one of another reign', (t) => {
  for (let load = 1; load <= 4; load++) {
    const gates = new PartitionGates(PartitionGates.create(4));
    gates.beginReign(1, 1, 0);
    const reign = gates.reign(1);
    gates.setAcknowledged(1, 5);
    gates.endReign(1);
    const meanwhile = (): void => {
      gates.beginReign(1, 3, 6);
      gates.setAcknowledged(1, 9);
      gates.endReign(1);
    };
    t.is(gates.waitState(1, reign, 7), WaitState.abandoned);
    t.is(
      interrupted(load, meanwhile, () => gates.waitState(1, reign, 7)),
      WaitState.abandoned,
      `before load ${load}`,
    );
  }
});

test.serial('a write that is waited for while its reign ends is acknowledged only if it was', (t) => {
  for (let load = 1; load <= 2; load++) {
    const gates = new PartitionGates(PartitionGates.create(4));
    gates.beginReign(1, 1, 0);
    const reign = gates.reign(1);
    gates.setAcknowledged(1, 5);
    const meanwhile = (): void => {
      gates.endReign(1);
      gates.beginReign(1, 3, 9);
    };
    t.is(gates.waitState(1, reign, 7), WaitState.waiting);
    t.is(gates.waitState(1, reign, 5), WaitState.acknowledged);
    t.is(
      interrupted(load, meanwhile, () => gates.waitState(1, reign, 7)),
      WaitState.abandoned,
      `before load ${load}`,
    );
  }
});

test('when a reign came how far is told of that reign alone', (t) => {
  const gates = new PartitionGates(PartitionGates.create(2));
  const { begun, written } = ReignStage;
  t.is(gates.stageMs(1, 3, begun, 5000), null);
  gates.beginReign(1, 3, 0);
  t.is(gates.stageMs(1, 3, begun, 5000), null);
  gates.setStage(1, begun, 4990.7);
  t.is(gates.stageMs(1, 3, begun, 5000.2), 4990);
  t.is(gates.stageMs(1, 2, begun, 5000), null, 'another reign');
  t.is(gates.stageMs(0, 3, begun, 5000), null, 'another partition');
  gates.endReign(1);
  t.is(gates.stageMs(1, 3, begun, 6000), 4990, 'it stays known');
  gates.beginReign(1, 5, 0);
  t.is(gates.stageMs(1, 3, begun, 6000), null);
  t.is(gates.stageMs(1, 5, begun, 6000), null);
  // Beyond what 32 bits hold.
  const lateMs = 2 ** 40 + 2 ** 31 - 5;
  gates.setStage(1, written, lateMs);
  t.is(gates.stageMs(1, 5, written, lateMs + 100), lateMs);
});
