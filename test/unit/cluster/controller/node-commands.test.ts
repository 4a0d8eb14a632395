import test from 'ava';
import { emptyClusterState, noEndpoints } from '../../../../src/cluster/controller/cluster-state.ts';
import { FRESH } from '../../../../src/cluster/identity.ts';
import { REMOVED_MAX } from '../../../../src/cluster/limits.ts';
import {
  after,
  alter,
  created,
  drain,
  entryOf,
  fence,
  member,
  place,
  refusalOf,
  register,
  running,
  runningWith,
  settings,
  stop,
  unfence,
} from './configuration.ts';

test('a node that registers is there, live, with what it told of itself', (t) => {
  const state = after(emptyClusterState, { ...register('b', 3), weight: 2, zone: 'west' }, register('a'));
  t.deepEqual(state.nodes.get('b'), {
    id: 'b',
    address: 'b:7000',
    endpoints: noEndpoints,
    boot: 3,
    isFenced: false,
    isDraining: false,
    isLeaving: false,
    life: 'running',
    weight: 2,
    zone: 'west',
  });
  t.deepEqual([...state.nodes.keys()], ['a', 'b'], 'in order of the ids, not of arrival');
});

test('registering again with the same boot and facts changes nothing', (t) => {
  const state = running('a', 'b');
  t.is(after(state, register('a')), state);
});

test('registering again with another address keeps the copies', (t) => {
  const state = running('a', 'b');
  const moved = after(state, { ...register('a'), address: 'elsewhere:1' });
  t.is(moved.nodes.get('a')?.address, 'elsewhere:1');
  t.is(moved.partitions, state.partitions);
});

test('an earlier boot is refused and is told of the later one', (t) => {
  const state = after(emptyClusterState, register('a', 5));
  t.regex(refusalOf(state, register('a', 4)), /boot 5.*boot 4/);
});

test('a registration that cannot be is refused: name, boot, address, weight', (t) => {
  const good = register('a');
  t.regex(refusalOf(emptyClusterState, { ...good, node: 'A b' }), /no name of a node; allowed/);
  t.regex(refusalOf(emptyClusterState, { ...good, boot: -1 }), /boot is -1; allowed/);
  t.regex(refusalOf(emptyClusterState, { ...good, address: '' }), /gives no address/);
  for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.regex(refusalOf(emptyClusterState, { ...good, weight }), /weight .* allowed/);
  }
});

test('a node that is made for another number of partitions than there are is refused', (t) => {
  const state = running('a', 'b');
  const reason = /the cluster has 1 partitions, and this node is set to 3; set partitions to 1/;
  t.regex(refusalOf(state, { ...register('c'), partitions: 3 }), reason);
  t.true(after(state, { ...register('c'), partitions: 1 }).nodes.has('c'));
  t.regex(refusalOf(emptyClusterState, { ...register('c'), partitions: 0 }), /partitions is 0; allowed/);
});

test('a new boot takes all copies of the earlier one out of the sets, and the primary moves', (t) => {
  const state = after(running('a', 'b', 'c'), register('a', 2));
  const { primary, epoch, version, inSync, losses } = entryOf(state);
  t.deepEqual(
    { primary, epoch, inSync, losses },
    { primary: 'b', epoch: 2, inSync: [member('b'), member('c')], losses: 0 },
  );
  t.is(version, entryOf(running('a', 'b', 'c')).version + 1);
});

test('a new boot of the only node in sync loses the partition: offline, and counted', (t) => {
  const state = after(running('a'), register('a', 2));
  const { primary, epoch, inSync, losses } = entryOf(state);
  t.deepEqual({ primary, epoch, inSync, losses }, { primary: null, epoch: 1, inSync: [], losses: 1 });
});

test('a lost partition begins empty at once on its first live replica, when onLoss is reset', (t) => {
  const state = after(runningWith({ onLoss: 'reset' }, 'a', 'b'), fence('b'), register('a', 2));
  const { primary, epoch, resetEpoch, inSync, losses } = entryOf(state);
  t.deepEqual(
    { primary, epoch, resetEpoch, inSync, losses },
    { primary: 'a', epoch: 2, resetEpoch: 2, inSync: [member('a', FRESH, 2)], losses: 1 },
  );
});

test('a lost partition whose replicas are all fenced begins when the first of them is back', (t) => {
  const lost = after(
    runningWith({ onLoss: 'reset' }, 'a', 'b'),
    fence('b'),
    (state) => place(state, 0, 'b'),
    register('a', 2),
  );
  t.deepEqual(entryOf(lost).inSync, []);
  const back = after(lost, unfence('b'));
  t.deepEqual(entryOf(back).inSync, [member('b', FRESH)]);
  t.is(entryOf(back).primary, 'b');
});

test('fencing the primary makes the first live member in order of the replicas the next', (t) => {
  const state = after(running('a', 'b', 'c'), (now) => place(now, 0, 'a', 'c', 'b'), fence('a'));
  const { primary, epoch, inSync } = entryOf(state);
  t.deepEqual({ primary, epoch, inSync }, { primary: 'c', epoch: 2, inSync: [member('b'), member('c')] });
});

test('a member in sync where no copy is placed takes over when no replica can', (t) => {
  const state = after(running('a', 'b'), register('c'), (now) => place(now, 0, 'a', 'c'), fence('a'));
  t.is(entryOf(state).primary, 'b');
});

test('fencing another member takes it out and leaves the primary and the epoch', (t) => {
  const state = after(running('a', 'b', 'c'), fence('b'));
  const { primary, epoch, inSync } = entryOf(state);
  t.deepEqual({ primary, epoch, inSync }, { primary: 'a', epoch: 1, inSync: [member('a'), member('c')] });
});

test('the last member stays in sync when it is fenced, and is primary again, in a new epoch, when it is back', (t) => {
  const alone = after(running('a', 'b'), fence('b'), fence('a'));
  t.is(entryOf(alone).primary, null);
  t.is(entryOf(alone).epoch, 1);
  t.deepEqual(entryOf(alone).inSync, [member('a')]);
  t.is(entryOf(alone).losses, 0);
  const back = after(alone, unfence('a'));
  t.is(entryOf(back).primary, 'a');
  t.is(entryOf(back).epoch, 2);
});

test('a node fenced before is not taken back into a set by unfencing it', (t) => {
  const state = after(running('a', 'b'), fence('b'), unfence('b'));
  t.deepEqual(entryOf(state).inSync, [member('a')]);
});

test('registering with the same boot unfences', (t) => {
  const state = after(running('a'), fence('a'), register('a'));
  t.is(state.nodes.get('a')?.isFenced, false);
  t.is(entryOf(state).primary, 'a');
});

test('fencing and unfencing name the registered boot, and what is not so already', (t) => {
  const state = running('a', 'b');
  t.regex(refusalOf(state, fence('a', 2)), /boot 1, not 2/);
  t.regex(refusalOf(state, fence('x')), /no node x/);
  t.regex(refusalOf(state, unfence('a')), /not fenced/);
  t.regex(refusalOf(after(state, fence('a')), fence('a')), /fenced already/);
  t.regex(refusalOf(after(state, fence('a')), unfence('a', 2)), /boot 1, not 2/);
});

test('a drain is kept across restarts and can be called off', (t) => {
  const state = after(running('a', 'b'), drain('b'), register('b', 2));
  t.is(state.nodes.get('b')?.isDraining, true);
  t.is(after(state, drain('b', false, 2)).nodes.get('b')?.isDraining, false);
});

test('a drain that leaves nobody, or fewer nodes than minInSync, is refused with what would help', (t) => {
  t.regex(refusalOf(running('a'), drain('a')), /last that is not draining.*add a node/);
  t.regex(refusalOf(after(running('a', 'b'), drain('a')), drain('b')), /last that is not draining/);
  t.regex(refusalOf(runningWith({ minInSync: 2 }, 'a', 'b'), drain('a')), /minInSync.*add a node, or lower/);
  t.regex(refusalOf(running('a'), drain('x')), /no node x/);
  t.regex(refusalOf(after(running('a', 'b'), register('b', 2)), drain('b')), /boot 2, not 1/);
});

test('a node is removed only when no copy is placed on it and none is in sync on it', (t) => {
  const state = after(running('a', 'b'), register('c'));
  t.regex(refusalOf(state, { type: 'remove', node: 'b' }), /1 partitions by placement, of 1 in sync/);
  const leaving = after(state, (now) => place(now, 0, 'a', 'c'));
  t.regex(refusalOf(leaving, { type: 'remove', node: 'b' }), /0 partitions by placement, of 1 in sync/);
  const left = after(leaving, (now) => alter(now, 0, member('a'), member('c')), { type: 'remove', node: 'b' });
  t.false(left.nodes.has('b'));
  t.regex(refusalOf(left, { type: 'remove', node: 'b' }), /no node b/);
});

test('a request of a removed node that comes late does not bring it back; its next start does', (t) => {
  const state = after(emptyClusterState, register('a'), register('b', 4), { type: 'remove', node: 'b' });
  t.regex(refusalOf(state, register('b', 4)), /node b was removed.*boot 4.*start it again/);
  t.regex(refusalOf(state, register('b', 3)), /was removed/);
  const back = after(state, register('b', 5));
  t.is(back.nodes.get('b')?.boot, 5);
  t.is(back.removed.size, 0);
});

test('of removed nodes only the last are remembered', (t) => {
  let state = after(emptyClusterState, register('a'));
  for (let number = 0; number <= REMOVED_MAX; number++) {
    state = after(state, register(`n${number}`), { type: 'remove', node: `n${number}` });
  }
  t.is(state.removed.size, REMOVED_MAX);
  t.false(state.removed.has('n0'));
  t.true(state.removed.has('n1'));
  t.true(state.removed.has(`n${REMOVED_MAX}`));
});

test('partitions that were placed on nodes that are all fenced begin when one is back, without a loss', (t) => {
  const state = after(created(settings(1, 2), 'a', 'b'), fence('a'), fence('b'), (now) => place(now, 0, 'a', 'b'));
  t.is(entryOf(state).epoch, 0);
  const { primary, losses, epoch } = entryOf(after(state, unfence('b')));
  t.deepEqual({ primary, losses, epoch }, { primary: 'b', losses: 0, epoch: 1 });
});

test('a node that is about to end keeps its copies and its primaries until they are handed over', (t) => {
  const before = running('a', 'b');
  const state = after(before, stop('a', false));
  t.is(state.nodes.get('a')?.life, 'stopping');
  t.is(state.partitions, before.partitions);
  t.is(after(state, stop('a', false)), state, 'asked for twice, it is done once');
});

test('a node that has ended is fenced at once and for good, until it starts again', (t) => {
  const state = after(running('a', 'b'), stop('a', false), stop('a', true));
  t.like(state.nodes.get('a'), { life: 'stopped', isFenced: true });
  t.like(entryOf(state), { primary: 'b', inSync: [member('b')] });
  t.regex(refusalOf(state, unfence('a')), /node a has ended/);
  t.regex(refusalOf(state, register('a')), /node a has ended boot 1/);
  t.regex(refusalOf(state, { type: 'resume', node: 'a', boot: 1 }), /node a has ended/);
  t.like(after(state, register('a', 2)).nodes.get('a'), { life: 'running', isFenced: false, boot: 2 });
});

test('a node that was about to end may go on; of an earlier start nothing is stopped', (t) => {
  const state = after(running('a', 'b'), stop('a', false));
  t.is(after(state, register('a')).nodes.get('a')?.life, 'stopping', 'a late registration is no new start');
  t.is(after(state, { type: 'resume', node: 'a', boot: 1 }).nodes.get('a')?.life, 'running');
  t.regex(refusalOf(after(state, register('a', 2)), stop('a', true)), /registered with boot 2/);
});

test('when a primary dies, one that is not about to end takes over', (t) => {
  const state = after(running('a', 'b', 'c'), stop('b', false), fence('a'));
  t.is(entryOf(state).primary, 'c');
});
