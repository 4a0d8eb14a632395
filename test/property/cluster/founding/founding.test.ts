import test from 'ava';
import fc from 'fast-check';
import { SeededRandom } from '../../../simulation/random.ts';
import { FoundingNodes } from './founding-nodes.ts';

/** A run with everything that can go wrong; then nothing does any more. */
function run(seed: number, expect: number, count: number, steps: number): FoundingNodes {
  const random = new SeededRandom(seed, 1);
  const names = Array.from({ length: count }, (_, index) => `n${index + 1}`);
  const nodes = new FoundingNodes(names, expect, () => random.nextUint32() / 2 ** 32);
  for (let step = 0; step < steps; step++) {
    const node = random.pick(names);
    const choice = random.integer(0, 99);
    if (choice < 3) nodes.crash(node);
    else if (choice < 8 && !nodes.isRunning(node)) nodes.start(node);
    else if (choice < 10) {
      const other = random.pick(names);
      if (other !== node) nodes.cut(node, other);
    } else if (choice < 12) nodes.heal();
    else if (choice < 40) nodes.write(node);
    else if (choice < 50) nodes.pass(random.integer(1, 400));
    else nodes.deliver(random.chance(0.1));
  }
  return nodes;
}

test('whatever fails, no two clusters are founded, and once nothing does all are of one', (t) => {
  const sizes = fc
    .integer({ min: 1, max: 4 })
    .chain((expect) =>
      fc.record({ expect: fc.constant(expect), count: fc.integer({ min: expect, max: 2 * expect - 1 }) }),
    );
  fc.assert(
    fc.property(fc.nat(), sizes, fc.nat(1500), (seed, { expect, count }, steps) => {
      const nodes = run(seed, expect, count, steps);
      t.true(nodes.clusters.size <= 1, `${nodes.clusters.size} clusters were founded`);
      nodes.settle(60_000);
      t.is(nodes.clusters.size, 1);
      const [cluster] = nodes.clusters;
      for (const [node, disk] of nodes.disks) t.is(disk.clusterId, cluster ?? '', `of ${node}`);
    }),
    { numRuns: 150 },
  );
});
