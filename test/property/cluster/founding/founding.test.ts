import test from 'ava';
import fc from 'fast-check';
import { SeededRandom } from '../../../simulation/random.ts';
import { FoundingNodes } from './founding-nodes.ts';

/** A run with everything that can go wrong; then nothing does any more. */
function run(seed: number, expect: number, count: number, steps: number): FoundingNodes {
  const random = new SeededRandom(seed, 1);
  const names = Array.from({ length: count }, (_, index) => `n${index + 1}`);
  const nodes = new FoundingNodes(names, expect, () => random.nextUint32() / 2 ** 32);
  // How much of what happens is what: quick networks and slow disks, or the other way round.
  const weights = {
    crash: random.pick([0, 0.002, 0.01]),
    start: random.pick([0.02, 0.1]),
    cut: random.pick([0, 0.01, 0.05]),
    heal: random.pick([0.001, 0.01, 0.03]),
    pass: random.pick([0.05, 0.3, 0.6]),
    write: random.pick([0.05, 0.2]),
  };
  // Those that do not see each other at first have other founders in mind.
  const cutAtFirst = random.pick([0, 0.3, 0.6]);
  for (const left of names) {
    for (const right of names) if (left < right && random.chance(cutAtFirst)) nodes.cut(left, right);
  }
  const loss = random.pick([0, 0.1, 0.4]);
  for (let step = 0; step < steps; step++) {
    const node = random.pick(names);
    let dice = random.fraction();
    const isNext = (weight: number): boolean => {
      dice -= weight;
      return dice < 0 && dice >= -weight;
    };
    if (isNext(weights.crash)) nodes.crash(node);
    else if (isNext(weights.start)) {
      if (!nodes.isRunning(node)) nodes.start(node);
    } else if (isNext(weights.cut)) {
      const other = random.pick(names);
      if (other !== node) nodes.cut(node, other);
    } else if (isNext(weights.heal)) nodes.heal();
    else if (isNext(weights.pass)) nodes.pass(random.integer(1, 400));
    else if (isNext(weights.write)) nodes.write(node);
    else nodes.deliver(random.chance(loss));
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
    fc.property(fc.nat(), sizes, fc.nat(3000), (seed, { expect, count }, steps) => {
      const nodes = run(seed, expect, count, steps);
      t.true(nodes.clusters.size <= 1, `${nodes.clusters.size} clusters were founded`);
      nodes.settle(60_000);
      t.is(nodes.clusters.size, 1);
      const [cluster] = nodes.clusters;
      for (const [node, disk] of nodes.disks) t.is(disk.clusterId, cluster ?? '', `of ${node}`);
    }),
    { numRuns: 200 },
  );
});
