import test, { type ExecutionContext } from 'ava';
import type { NodeId } from '../../src/cluster/identity.ts';
import { silentWitness } from './silent-witness.ts';
import { steadyPlan } from './steady-plan.ts';
import { Trace } from './trace.ts';
import { createRealNode, World } from './world.ts';

function runUntil(t: ExecutionContext, world: World, withinMs: number, what: string, isSo: () => boolean): number {
  const beginMs = world.nowMs;
  while (!isSo() && world.nowMs < beginMs + withinMs) world.schedule.runUntil(world.nowMs + 1);
  t.true(isSo(), `not within ${withinMs} ms: ${what}; ${world.whatIsMissing()}`);
  return world.nowMs - beginMs;
}

function placesOf(world: World): string[] {
  return world.newestState.partitions.map(({ replicas }) => [...replicas].sort().join());
}

function primariesOf(world: World, id: NodeId): number {
  return world.newestState.partitions.filter(({ primary }) => primary === id).length;
}

test('every node in turn ends in order and is back soon: primaries and leadership go first, copies stay placed', (t) => {
  for (let seed = 1; seed <= 2; seed++) {
    const world = new World(seed, steadyPlan, new Trace(), { createNode: createRealNode, witness: silentWitness() });
    world.begin();
    runUntil(t, world, 10_000, 'the cluster is whole', () => world.whatIsMissing() === null);
    const places = placesOf(world);
    for (const node of world.nodes) {
      const { id, boot } = node;
      const before = world.newestState.partitions.map(({ losses }) => losses);
      node.submit({ type: 'stop', node: id, boot, isOver: false });
      const isIdle = () => primariesOf(world, id) === 0 && world.leader !== node && world.leader !== undefined;
      runUntil(t, world, 3000, `${id} is primary of nothing and does not lead`, isIdle);
      node.act((core) => core.coordinator.leave());
      node.submit({ type: 'stop', node: id, boot, isOver: true });
      runUntil(t, world, 100, `${id} is fenced without its lease being waited for`, () => {
        return world.newestState.nodes.get(id)?.isFenced === true;
      });
      node.crash('ended');
      node.start();
      runUntil(t, world, 1500, `${id} is a member again`, () => {
        const entry = world.newestState.nodes.get(id);
        return entry?.life === 'running' && !entry.isFenced && entry.boot === boot + 1;
      });
      runUntil(t, world, 10_000, 'the cluster is whole again', () => world.whatIsMissing() === null);
      t.deepEqual(placesOf(world), places, `after ${id}`);
      t.deepEqual(
        world.newestState.partitions.map(({ losses }) => losses),
        before,
      );
    }
  }
});

test('a node that ends in order while another is away loses nothing: what only it has is copied to one that stays', (t) => {
  for (let seed = 1; seed <= 3; seed++) {
    const world = new World(seed, steadyPlan, new Trace(), { createNode: createRealNode, witness: silentWitness() });
    world.begin();
    runUntil(t, world, 10_000, 'the cluster is whole', () => world.whatIsMissing() === null);
    for (const node of world.nodes.slice(0, 2)) {
      const { id, boot } = node;
      node.submit({ type: 'stop', node: id, boot, isOver: false });
      const isIdle = () => primariesOf(world, id) === 0 && world.leader !== node && world.leader !== undefined;
      runUntil(t, world, 3000, `${id} is primary of nothing and does not lead`, isIdle);
      node.act((core) => core.coordinator.leave());
      node.submit({ type: 'stop', node: id, boot, isOver: true });
      runUntil(t, world, 100, `${id} is fenced`, () => world.newestState.nodes.get(id)?.isFenced === true);
      node.crash('ended');
    }
    for (const node of world.nodes.slice(0, 2)) node.start();
    runUntil(t, world, 20_000, 'the cluster is whole again', () => world.whatIsMissing() === null);
    t.true(world.newestState.partitions.every(({ losses }) => losses === 0));
  }
});
