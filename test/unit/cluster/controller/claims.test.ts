import test from 'ava';
import type { ClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import { type Claim, FRESH, type NodeId } from '../../../../src/cluster/identity.ts';
import { after, created, entryOf, fence, member, place, register, running, settings, stop } from './configuration.ts';

function claim(partition: number, generation: number, rest: Partial<Claim> = {}): Claim {
  return { partition, since: 1, generation, filledInEpoch: 1, wholeSince: 1, ...rest };
}

function comesBack(node: NodeId, claims: readonly Claim[], boot = 2) {
  return { ...register(node, boot), claims };
}

/** Two copies of one partition, on a, its primary, and b. */
const pair = (): ClusterState => running('a', 'b');

test('a node that comes back with all that its copy has confirmed stands for it', (t) => {
  const state = after(pair(), comesBack('b', [claim(0, 0)]));
  const { primary, epoch, inSync } = entryOf(state, 0);
  t.deepEqual([primary, epoch], ['a', entryOf(pair(), 0).epoch]);
  t.deepEqual(inSync, [member('a'), member('b', 0, 2)]);
});

test('a primary that comes back begins a new epoch, and so does another in its place', (t) => {
  const before = pair();
  const state = after(before, comesBack('a', [claim(0, 0)]));
  const { primary, epoch, inSync } = entryOf(state, 0);
  t.deepEqual([primary, epoch], ['a', entryOf(before, 0).epoch + 1]);
  t.deepEqual(inSync, [member('a', 0, 2), member('b')]);
});

test('after the end of all nodes they stand for what they have, whoever comes first', (t) => {
  const state = after(pair(), comesBack('b', [claim(0, 0)]), comesBack('a', [claim(0, 0)]));
  t.deepEqual(entryOf(state, 0).inSync, [member('a', 0, 2), member('b', 0, 2)]);
  t.is(entryOf(state, 0).losses, 0);
});

test('the last copy, whose node was fenced, is primary again', (t) => {
  const state = after(pair(), fence('b'), fence('a'), comesBack('a', [claim(0, 0)]));
  const { primary, inSync, losses } = entryOf(state, 0);
  t.deepEqual([primary, inSync, losses], ['a', [member('a', 0, 2)], 0]);
});

test('also when it ended in order', (t) => {
  const state = after(pair(), stop('b', true), stop('a', true), comesBack('a', [claim(0, 0)]));
  t.deepEqual([entryOf(state, 0).primary, entryOf(state, 0).losses], ['a', 0]);
});

test('who was not in the last set does not stand for it', (t) => {
  const state = after(pair(), fence('b'), fence('a'), comesBack('b', [claim(0, 0)]));
  t.is(entryOf(state, 0).primary, null);
  t.deepEqual(entryOf(state, 0).inSync, [member('a')]);
});

test('another filling, or one that began later, is not the copy that is named', (t) => {
  for (const wrong of [claim(0, 1), claim(0, 0, { since: 2 })]) {
    t.deepEqual(entryOf(after(pair(), comesBack('b', [wrong])), 0).inSync, [member('a')]);
  }
});

test('a copy that began with the partition is told by where it began', (t) => {
  const state = after(created(settings(1, 2), 'a', 'b'), (made) => place(made, 0, 'a', 'b'));
  t.is(entryOf(state, 0).inSync[0]?.generation, FRESH);
  const { resetEpoch } = entryOf(state, 0);
  const back = after(state, comesBack('a', [claim(0, 3, { filledInEpoch: resetEpoch })]));
  t.deepEqual(entryOf(back, 0).inSync, [member('a', 3, 2)]);
  const other = after(state, comesBack('a', [claim(0, 3, { filledInEpoch: resetEpoch + 1 })]));
  t.is(entryOf(other, 0).losses, 1);
});

test('a copy that may lack the last is worth something only when there is no other: then the partition begins anew with it', (t) => {
  const torn = claim(0, 0, { wholeSince: 2 });
  t.deepEqual(entryOf(after(pair(), comesBack('b', [torn])), 0).inSync, [member('a')]);
  const before = after(pair(), fence('b'), fence('a'));
  const { primary, epoch, resetEpoch, inSync, losses } = entryOf(after(before, comesBack('a', [torn])), 0);
  t.is(epoch, entryOf(before, 0).epoch + 1);
  t.deepEqual([primary, resetEpoch, inSync, losses], ['a', epoch, [member('a', 0, 2)], 1]);
});
