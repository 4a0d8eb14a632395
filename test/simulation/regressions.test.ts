import test, { type ExecutionContext } from 'ava';
import { silentWitness } from './silent-witness.ts';
import { steadyPlan } from './steady-plan.ts';
import { Trace } from './trace.ts';
import { createRealNode, World } from './world.ts';

/** What the simulator found once, each as the short script of the run that showed it (found.md). */

function steadyWorld(seed: number): World {
  const world = new World(seed, steadyPlan, new Trace(), { createNode: createRealNode, witness: silentWitness() });
  world.begin();
  return world;
}

function runUntil(t: ExecutionContext, world: World, withinMs: number, what: string, isSo: () => boolean): void {
  const endMs = world.nowMs + withinMs;
  while (!isSo() && world.nowMs < endMs) world.schedule.runUntil(world.nowMs + 5);
  t.true(isSo(), `not within ${withinMs} ms: ${what}; ${world.whatIsMissing()}`);
}

function runUntilWhole(t: ExecutionContext, world: World, withinMs: number): void {
  runUntil(t, world, withinMs, 'the cluster is whole', () => world.whatIsMissing() === null);
}

test('a node that joins is registered although the leader it is told of has just died', (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const world = steadyWorld(seed);
    runUntilWhole(t, world, 10_000);
    const { leader } = world;
    leader?.crash('killed');
    const joined = world.join();
    runUntil(t, world, 8000, 'it is registered', () => world.newestState.nodes.has(joined.id));
  }
});
