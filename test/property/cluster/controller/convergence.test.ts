import test from 'ava';
import fc from 'fast-check';
import type { ClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import { degradation } from '../../../../src/cluster/controller/degradation.ts';
import type { Group } from '../../../../src/cluster/controller/group-plan.ts';
import { validateState } from '../../../../src/cluster/controller/validate-state.ts';
import type { NodeId } from '../../../../src/cluster/identity.ts';
import { testScale } from '../../../scale.ts';
import { FakeCluster, randomOf } from './fake-cluster.ts';

const PARTITIONS = 24;
const NODES = [...'abcdefghi'];
const numRuns = 40 * testScale;
const seeds = fc.integer({ min: 1, max: 2 ** 30 });
/** Long enough for anything that takes time: fencing, rebuilding, a stuck move, and the moves themselves. */
const SETTLED_MS = 60_000;

function cluster(seed: number, copies: number, onLoss: 'offline' | 'reset' = 'offline'): FakeCluster {
  const settings = { partitions: PARTITIONS, leaseMs: 700, copies, minInSync: 1, onLoss };
  const made = new FakeCluster(settings, NODES.slice(0, 4), seed);
  made.onApplied = (_, __, after) => validateState(after);
  return made;
}

/** The least and the most copies a node holds, and primaries. */
function loads({ nodes, partitions }: ClusterState) {
  const spread = (count: (node: NodeId) => number) => {
    const counts = [...nodes.keys()].map(count);
    return Math.max(...counts) - Math.min(...counts);
  };
  return {
    copies: spread((node) => partitions.filter((entry) => entry.replicas.includes(node)).length),
    primaries: spread((node) => partitions.filter((entry) => entry.primary === node).length),
  };
}

/** Everything is where it should be, and stays there. */
function checkSettled(made: FakeCluster, copies: number): void {
  const { state } = made;
  const lacking = degradation(state);
  if (lacking.length > 0) throw new Error(`not settled: ${lacking.join('; ')}`);
  for (const [number, { replicas, inSync, primary }] of state.partitions.entries()) {
    const wanted = Math.min(copies, state.nodes.size);
    if (replicas.length !== wanted || inSync.length !== wanted) throw new Error(`partition ${number} lacks copies`);
    if (primary !== replicas[0]) throw new Error(`partition ${number} is led by ${primary}, not ${replicas[0]}`);
  }
  const { copies: copySpread, primaries } = loads(state);
  if (copySpread > 2 || primaries > 2) throw new Error(`unbalanced: ${JSON.stringify(loads(state))}`);
  const live = [...state.nodes.keys()];
  const missing = live.filter((node) => !made.group.voters.includes(node) && !made.group.learners.includes(node));
  if (missing.length > 0) throw new Error(`not in the group: ${missing}`);
  const before = made.commandCount;
  made.run(5000);
  if (made.commandCount !== before) throw new Error('it goes on changing');
}

/** As many voters as there may be, all of them there. */
function checkGroup({ group, state }: FakeCluster): void {
  const strangers = [...group.voters, ...group.learners].filter((node) => !state.nodes.has(node));
  if (strangers.length > 0) throw new Error(`in the group, but not in the cluster: ${strangers}`);
  if (group.voters.length !== Math.min(7, state.nodes.size)) throw new Error(`voters: ${group.voters}`);
}

test('joins and drains end balanced, and no partition ever has fewer copies in sync than it had', (t) => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 3 }), (seed, copies) => {
      const made = cluster(seed, copies);
      const random = randomOf(seed + 1);
      made.run(20_000);
      checkSettled(made, copies);
      made.onApplied = (command, before, after) => {
        validateState(after);
        for (const [number, { inSync }] of after.partitions.entries()) {
          const had = before.partitions[number]?.inSync.length ?? 0;
          if (inSync.length < Math.min(had, copies)) throw new Error(`${command.type} takes a copy of ${number}`);
        }
      };
      for (let event = 0; event < 6; event++) {
        const node = NODES[random(NODES.length)] ?? 'a';
        if (!made.alive.has(node)) made.start(node);
        else {
          const staying = [...made.state.nodes.values()].filter((entry) => !entry.isDraining);
          const boot = made.state.nodes.get(node)?.boot ?? 0;
          if (staying.length > copies) {
            const isDraining = random(4) > 0;
            made.apply({ type: 'drain', node, boot, isDraining, leaves: isDraining });
          }
        }
        if (random(5) === 0) made.changeLeader();
        made.run(random(8000));
        // A removed node stops.
        for (const other of [...made.alive.keys()]) {
          if (!made.state.nodes.has(other) && made.commandCount > 0 && random(2) === 0) made.kill(other);
        }
      }
      for (const { id, isDraining } of made.state.nodes.values()) {
        if (isDraining && !made.alive.has(id)) made.start(id);
      }
      made.run(SETTLED_MS);
      for (const other of [...made.alive.keys()]) if (!made.state.nodes.has(other)) made.kill(other);
      made.run(SETTLED_MS / 2);
      checkSettled(made, copies);
      checkGroup(made);
    }),
    { numRuns },
  );
  t.pass();
});

test('after deaths, pauses and restarts every partition that has a copy left gets all of them back, balanced', (t) => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 2, max: 3 }), fc.boolean(), (seed, copies, resets) => {
      const made = cluster(seed, copies, resets ? 'reset' : 'offline');
      const random = randomOf(seed + 1);
      made.run(10_000);
      for (let event = 0; event < 8; event++) {
        const node = NODES[random(6)] ?? 'a';
        const boot = made.alive.get(node);
        if (boot === undefined || random(3) === 0) made.start(node);
        else {
          const live = made.group.voters.filter((voter) => voter !== node && made.alive.has(voter)).length;
          // The group itself would stand still without a majority.
          if (live <= made.group.voters.length / 2) continue;
          made.kill(node);
          // Half of them come back as they were, after a pause.
          if (random(2) === 0) {
            made.run(random(6000));
            made.alive.set(node, boot);
          }
        }
        if (random(6) === 0) made.changeLeader();
        made.run(random(6000));
      }
      for (const node of made.state.nodes.keys()) if (!made.alive.has(node)) made.start(node);
      made.run(SETTLED_MS);
      for (const [partition, entry] of made.state.partitions.entries()) {
        if (entry.primary === null) made.apply({ type: 'reset', partition, version: entry.version, givesUp: false });
        if (entry.primary === null && (resets || entry.losses === 0)) throw new Error(`${partition} is offline`);
      }
      made.run(SETTLED_MS / 2);
      checkSettled(made, copies);
      checkGroup(made);
    }),
    { numRuns },
  );
  t.pass();
});

test('nodes that stay dead are replaced, by others as copies and as voters', (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const made = cluster(seed, 2);
      const random = randomOf(seed + 1);
      for (const node of NODES) made.start(node);
      made.run(20_000);
      const victims = ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].sort(() => random(3) - 1).slice(0, 2);
      for (const node of victims) {
        made.kill(node);
        // Time to copy before the next one dies.
        made.run(SETTLED_MS / 2);
      }
      for (const [number, { inSync, primary, losses }] of made.state.partitions.entries()) {
        if (inSync.length < 2 || primary === null || losses > 0) throw new Error(`partition ${number} was not rebuilt`);
        if (inSync.some(({ node }) => victims.includes(node)))
          throw new Error(`partition ${number} counts on the dead`);
      }
      const dead = made.group.voters.filter((node) => victims.includes(node));
      if (dead.length > 0 || made.group.voters.length !== 7) throw new Error(`voters: ${made.group.voters}`);
    }),
    { numRuns: numRuns / 4 },
  );
  t.pass();
});

test('no change of the group is made that the live voters could not agree to', (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const made = cluster(seed, 2);
      const random = randomOf(seed + 1);
      const liveOf = ({ voters }: Group) => voters.filter((node) => made.alive.has(node)).length;
      made.onGroup = (change, before, after) => {
        const isMajority = liveOf(after) > after.voters.length / 2;
        const wasMajority = liveOf(before) > before.voters.length / 2;
        // A node that has just died is not known to be dead.
        const isKnown = [...after.voters].every((node) => made.alive.has(node) || made.state.nodes.get(node)?.isFenced);
        if (wasMajority && isKnown && !isMajority) throw new Error(`${change.type} ${change.node} leaves no majority`);
        if (Math.abs(after.voters.length - before.voters.length) > 1) throw new Error('more than one at a time');
      };
      for (let event = 0; event < 20; event++) {
        const node = NODES[random(NODES.length)] ?? 'a';
        if (made.alive.has(node) && node !== made.leader) made.kill(node);
        else made.start(node);
        made.run(random(5000));
      }
    }),
    { numRuns },
  );
  t.pass();
});
