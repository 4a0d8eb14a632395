import test from 'ava';
import { AssertionError } from '../../../src/base/assert.ts';
import {
  isPlacementWeight,
  type PlacementNode,
  placementMoves,
  placePartitions,
} from '../../../src/routing/placement/placement.ts';
import { arrivals, copiesOf, faultOf, primariesOf, sumOf } from '../../placement-checks.ts';

const nodesIn = (zones: readonly (string | null)[], weight = 1): PlacementNode[] =>
  zones.map((zone, index) => ({ id: `node-${index}`, weight, zone }));
const equals = (count: number): PlacementNode[] => nodesIn(Array.from({ length: count }, () => null));
const copiesByNode = (rows: string[][], nodes: readonly PlacementNode[]) => nodes.map(({ id }) => copiesOf(rows, id));

test('equal nodes hold equally many copies and primaries', (t) => {
  const nodes = equals(4);
  const rows = placePartitions(null, nodes, { partitions: 64, copies: 2 });
  t.deepEqual(copiesByNode(rows, nodes), [32, 32, 32, 32]);
  t.deepEqual(
    nodes.map(({ id }) => primariesOf(rows, id)),
    [16, 16, 16, 16],
  );
});

test('every process comes to the same placement', (t) => {
  const nodes = [
    { id: 'a', weight: 1, zone: 'x' },
    { id: 'b', weight: 2, zone: 'y' },
    { id: 'c', weight: 1, zone: 'x' },
  ];
  const rows = placePartitions(null, nodes, { partitions: 8, copies: 2 });
  t.is(rows.map((row) => row.join('')).join(' '), 'bc ba ab cb bc ba cb ab');
});

test('a heavier node holds more, up to one copy of every partition', (t) => {
  const nodes = [
    { id: 'a', weight: 1, zone: null },
    { id: 'b', weight: 1, zone: null },
    { id: 'c', weight: 2, zone: null },
  ];
  const single = placePartitions(null, nodes, { partitions: 64, copies: 1 });
  t.deepEqual(copiesByNode(single, nodes), [16, 16, 32]);
  const heavy = nodes.map((node) => (node.id === 'c' ? { ...node, weight: 1000 } : node));
  const double = placePartitions(null, heavy, { partitions: 64, copies: 2 });
  t.deepEqual(copiesByNode(double, nodes), [32, 32, 64]);
});

test('weights as far apart as they may be are placed', (t) => {
  const nodes = [1e-6, 1, 1e12, 1e12].map((weight, index) => ({ id: `node-${index}`, weight, zone: null }));
  const rows = placePartitions(null, nodes, { partitions: 64, copies: 2 });
  t.is(faultOf(rows, nodes, 64, 2), null);
  t.deepEqual(copiesByNode(rows, nodes), [0, 0, 64, 64]);
});

test('with fewer nodes than copies every node holds every partition; with none there is nothing', (t) => {
  const rows = placePartitions(null, equals(2), { partitions: 8, copies: 3 });
  t.true(rows.every((row) => [...row].sort().join() === 'node-0,node-1'));
  t.deepEqual(
    placePartitions(rows, [], { partitions: 8, copies: 3 }),
    Array.from({ length: 8 }, () => []),
  );
});

test('a zone that is needed for every partition holds a copy of each, however light it is', (t) => {
  const nodes = nodesIn(['a', 'b', 'b', 'b', 'c', 'c', 'c']);
  const rows = placePartitions(null, nodes, { partitions: 60, copies: 3 });
  t.is(faultOf(rows, nodes, 60, 3), null);
  t.deepEqual(copiesByNode(rows, nodes), [60, 20, 20, 20, 20, 20, 20]);
});

test('with fewer zones than copies the zones share them evenly', (t) => {
  const nodes = nodesIn(['a', 'a', 'b', 'b']);
  const rows = placePartitions(null, nodes, { partitions: 64, copies: 3 });
  t.is(faultOf(rows, nodes, 64, 3), null);
  t.deepEqual(copiesByNode(rows, nodes), [48, 48, 48, 48]);
});

test('nodes in one zone are placed as if there were none', (t) => {
  const nodes = nodesIn(['a', 'a', 'a', 'a']);
  const rows = placePartitions(null, nodes, { partitions: 64, copies: 2 });
  t.deepEqual(copiesByNode(rows, nodes), [32, 32, 32, 32]);
});

test('the first node of another zone takes one copy of every partition that was in one zone alone', (t) => {
  const before = nodesIn(['a', 'a', 'a', 'a']);
  const current = placePartitions(null, before, { partitions: 64, copies: 2 });
  const nodes = [...before, { id: 'other', weight: 1, zone: 'b' }];
  const rows = placePartitions(current, nodes, { partitions: 64, copies: 2 });
  t.is(faultOf(rows, nodes, 64, 2), null);
  t.deepEqual([...arrivals(current, rows)], [['other', 64]]);
});

test('a node joins: it takes its share, and others keep theirs', (t) => {
  const nodes = equals(10);
  const options = { partitions: 64, copies: 2 };
  const current = placePartitions(null, nodes, options);
  const rows = placePartitions(current, [...nodes, { id: 'joiner', weight: 1, zone: null }], options);
  t.deepEqual([...arrivals(current, rows)], [['joiner', 11]]);
  t.is(primariesOf(rows, 'joiner'), 5);
});

test('a node leaves: its copies are spread over those that stay, and its primaries go to replicas', (t) => {
  const nodes = equals(5);
  const options = { partitions: 64, copies: 3 };
  const current = placePartitions(null, nodes, options);
  const rows = placePartitions(current, nodes.slice(1), options);
  t.is(sumOf(arrivals(current, rows)), copiesOf(current, 'node-0'));
  t.deepEqual(copiesByNode(rows, nodes.slice(1)), [48, 48, 48, 48]);
  for (const [partition, row] of rows.entries()) t.true(current[partition]?.includes(row[0] as string));
});

test('a change of weight within the tolerance moves nothing; a large one moves what it says', (t) => {
  const nodes = equals(4);
  const options = { partitions: 1024, copies: 1 };
  const current = placePartitions(null, nodes, options);
  const weighing = (weight: number) => nodes.map((node, index) => (index === 0 ? { ...node, weight } : node));
  t.deepEqual(placePartitions(current, weighing(1.05), options), current);
  const doubled = placePartitions(current, weighing(2), options);
  t.is(copiesOf(doubled, 'node-0'), 409);
  t.deepEqual([...arrivals(current, doubled).keys()], ['node-0']);
  const halved = placePartitions(current, weighing(0.5), options);
  t.is(sumOf(arrivals(current, halved)), 256 - copiesOf(halved, 'node-0'));
  t.is(copiesOf(halved, 'node-0'), 147);
});

test('fewer copies are wanted: some go and none arrives', (t) => {
  const nodes = nodesIn(['a', 'a', 'b', 'b', 'c', 'c']);
  const current = placePartitions(null, nodes, { partitions: 60, copies: 4 });
  const rows = placePartitions(current, nodes, { partitions: 60, copies: 3 });
  t.is(faultOf(rows, nodes, 60, 3), null);
  t.is(sumOf(arrivals(current, rows)), 0);
});

test('the moves are the rows that differ, in replicas or in their order', (t) => {
  const current = [['a', 'b'], ['b', 'a'], ['a', 'b'], []];
  const wanted = [['a', 'b'], ['a', 'b'], ['a', 'c'], ['a']];
  t.deepEqual(placementMoves(current, wanted), [
    { partition: 1, replicas: ['a', 'b'] },
    { partition: 2, replicas: ['a', 'c'] },
    { partition: 3, replicas: ['a'] },
  ]);
  t.throws(() => placementMoves([], wanted), { instanceOf: AssertionError });
});

test('what cannot be placed is refused', (t) => {
  const options = { partitions: 64, copies: 2 };
  const weighing = (weight: number) => [{ id: 'a', weight, zone: null }];
  for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-7, 1e13]) {
    t.false(isPlacementWeight(weight));
    t.throws(() => placePartitions(null, weighing(weight), options), { instanceOf: AssertionError });
  }
  for (const weight of [1e-6, 1, 1e12]) t.true(isPlacementWeight(weight));
  const twice = [...weighing(1), ...weighing(1)];
  t.throws(() => placePartitions(null, twice, options), { instanceOf: AssertionError });
  t.throws(() => placePartitions([['a']], weighing(1), options), { instanceOf: AssertionError });
  for (const partitions of [0, 1.5, 16_385]) {
    t.throws(() => placePartitions(null, weighing(1), { partitions, copies: 1 }), { instanceOf: AssertionError });
  }
  for (const copies of [0, 1.5]) {
    t.throws(() => placePartitions(null, weighing(1), { partitions: 1, copies }), { instanceOf: AssertionError });
  }
});
