import test from 'ava';
import fc from 'fast-check';
import { DecodeError } from '../../../../src/base/msgpack-reader.ts';
import { applyCommand } from '../../../../src/cluster/controller/apply-command.ts';
import { type ClusterState, emptyClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import { encodeState } from '../../../../src/cluster/controller/state-codec.ts';
import { applyStateDelta, encodeStateDelta } from '../../../../src/cluster/controller/state-delta-codec.ts';
import { state as anyState } from '../../../cluster-arbitraries.ts';
import {
  after,
  alter,
  fence,
  member,
  place,
  register,
  running,
  settings,
} from '../../../unit/cluster/controller/configuration.ts';

test('a delta of everything gives the state to who knows nothing', (t) => {
  fc.assert(
    fc.property(anyState, (state) => {
      const told = applyStateDelta(null, encodeStateDelta(null, state));
      t.deepEqual(encodeState(told), encodeState(state));
    }),
    { numRuns: 200 },
  );
});

test('what has changed of any state gives the next one, and what has not stays the same object', (t) => {
  const changed = fc.record({
    settings: fc.boolean(),
    nodes: fc.boolean(),
    removed: fc.boolean(),
    keep: fc.nat(2 ** 8),
  });
  fc.assert(
    fc.property(anyState, anyState, changed, (before, other, choice) => {
      const partitions = before.partitions.map((entry, number) =>
        (choice.keep >> number) & 1 ? entry : (other.partitions[number] ?? entry),
      );
      const next: ClusterState = {
        settings: choice.settings && before.settings !== null ? { ...before.settings, leaseMs: 777 } : before.settings,
        nodes: choice.nodes ? other.nodes : before.nodes,
        removed: choice.removed ? other.removed : before.removed,
        partitions,
      };
      const told = applyStateDelta(before, encodeStateDelta(before, next));
      t.deepEqual(encodeState(told), encodeState(next));
      for (const [number, entry] of next.partitions.entries()) {
        if (entry === before.partitions[number]) t.is(told.partitions[number], entry);
      }
      if (!choice.nodes) t.is(told.nodes, before.nodes);
    }),
    { numRuns: 200 },
  );
});

test('who is told every change of a cluster, in order, always has its state', (t) => {
  const steps = [
    register('a'),
    register('b'),
    { type: 'create', settings: settings(3, 2) } as const,
    (state: ClusterState) => place(state, 1, 'a', 'b'),
    (state: ClusterState) => alter(state, 1, member('a'), member('b')),
    fence('b'),
  ];
  let state = emptyClusterState;
  let told = applyStateDelta(null, encodeStateDelta(null, state));
  for (const step of steps) {
    const next = applyCommand(state, typeof step === 'function' ? step(state) : step).state;
    told = applyStateDelta(told, encodeStateDelta(state, next));
    state = next;
    t.deepEqual(encodeState(told), encodeState(state));
  }
});

test('nothing changed costs a few bytes', (t) => {
  const state = running('a', 'b');
  t.true(encodeStateDelta(state, state).length < 10);
  const delta = encodeStateDelta(state, after(state, fence('b')));
  t.true(delta.length < encodeState(state).length * 2);
});

test('bytes that are no delta are refused', (t) => {
  const state = running('a', 'b');
  const bytes = encodeStateDelta(null, state);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const damaged = bytes.slice();
      damaged[at] = value;
      try {
        applyStateDelta(null, damaged);
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
      }
    }),
  );
  t.throws(() => applyStateDelta(null, bytes.subarray(0, bytes.length - 1)), { instanceOf: DecodeError });
  // Of another state: entries that should be there are not.
  const later = encodeStateDelta(state, after(state, fence('b')));
  t.throws(() => applyStateDelta(null, later), { instanceOf: DecodeError });
});
