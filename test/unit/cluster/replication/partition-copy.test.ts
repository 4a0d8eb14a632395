import test from 'ava';
import { ClusterOfCopies } from './cluster-of-copies.ts';

/** a is primary, b and c are in sync, nothing is under way. */
function settled(setup = {}): ClusterOfCopies {
  const cluster = new ClusterOfCopies(setup);
  cluster.run(1000);
  return cluster;
}

test('a new partition begins on its first replica and the others join', (t) => {
  const cluster = settled();
  t.is(cluster.entry.primary, 'a');
  t.deepEqual(
    cluster.entry.inSync.map(({ node }) => node),
    ['a', 'b', 'c'],
  );
  t.is(cluster.copy('a').role, 'primary');
  t.is(cluster.copy('b').role, 'replica');
});
