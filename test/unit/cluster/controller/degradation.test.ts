import test from 'ava';
import { emptyClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import { degradation } from '../../../../src/cluster/controller/degradation.ts';
import {
  after,
  alter,
  created,
  drain,
  fence,
  member,
  place,
  register,
  running,
  runningWith,
  settings,
} from './configuration.ts';

test('a cluster that has all it is set to have lacks nothing', (t) => {
  t.deepEqual(degradation(running('a', 'b', 'c')), []);
});

test('it says that there is no cluster yet', (t) => {
  t.deepEqual(degradation(emptyClusterState), ['the cluster has not been created: it has no partitions yet']);
});

test('it says which partitions have not begun, naming a few', (t) => {
  t.deepEqual(degradation(created(settings(7, 1), 'a')), [
    '7 partitions (0, 1, 2, 3, 4 …): not begun, to be placed as soon as there are enough live nodes (minInSync: 1)',
  ]);
});

test('it says how many nodes are lacking for the copies that are set', (t) => {
  t.deepEqual(degradation(runningWith({ copies: 3 }, 'a', 'b')), [
    'copies is 3, but only 2 nodes can hold one: add 1 node, or lower copies',
  ]);
});

test('it says what a silent node means for its partitions', (t) => {
  t.deepEqual(degradation(after(runningWith({ minInSync: 2 }, 'a', 'b', 'c'), fence('a'))), [
    '1 partition (0): fewer than 3 copies in sync; they are being made, or wait for a node',
    'node a is down: nothing is heard of it; it takes part again as soon as it is back',
  ]);
});

test('it says that writes are refused when fewer copies than minInSync are in sync', (t) => {
  const [first] = degradation(after(runningWith({ minInSync: 2 }, 'a', 'b'), (now) => alter(now, 0, member('a'))));
  t.is(
    first,
    '1 partition (0): no writes, for fewer copies are in sync than minInSync (2); bring nodes back or add some',
  );
});

test('it says on which node the last copy of an offline partition is', (t) => {
  const [first] = degradation(after(running('a', 'b'), fence('a'), fence('b')));
  t.is(
    first,
    '1 partition (0): offline, the last copy is on node b, which is silent; bring it back, or give the copy up by a reset',
  );
});

test('it says that a partition is lost', (t) => {
  const [first] = degradation(after(running('a'), register('a', 2)));
  t.is(first, '1 partition (0): offline, all copies are lost; a reset lets it go on empty');
});

test('it says how far a drain is', (t) => {
  const state = after(runningWith({ copies: 1 }, 'a', 'b'), drain('b'), (now) => place(now, 0, 'a'));
  t.deepEqual(degradation(state), ['node b is being drained: 1 partition still to be moved away']);
});
