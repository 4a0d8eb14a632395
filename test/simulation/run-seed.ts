import { AssertionError } from '../../src/base/assert.ts';
import { defaultReplicationOptions } from '../../src/cluster/replication/replication-options.ts';
import { ClusterWitness, type ClusterWitnessOptions } from './check/cluster-witness.ts';
import { emptyStatistics, type RunStatistics } from './cluster-statistics.ts';
import { DecisionTrace } from './decision-trace.ts';
import { FaultInjector } from './faults.ts';
import { type ProfileName, planOf, profileOf, profiles } from './profiles.ts';
import { SeededRandom } from './random.ts';
import { type Phase, Recovery } from './recovery.ts';
import { Trace } from './trace.ts';
import type { Witness } from './witness.ts';
import { type CreateNode, createRealNode, World } from './world.ts';

export interface RunOptions {
  /** Default: the one whose turn it is by the seed. */
  readonly profile?: ProfileName;
  /** Takes the readable trace, line by line. */
  readonly print?: (line: string) => void;
  /** Each message too, rather than only what came of them. */
  readonly printsMessages?: boolean;
  readonly createNode?: CreateNode;
  readonly witness?: (options: ClusterWitnessOptions) => Witness;
}

export interface RunResult {
  readonly seed: number;
  readonly profile: ProfileName;
  readonly traceHash: string;
  /** Null: nothing that must not be was seen. */
  readonly violation: { readonly message: string; readonly atMs: number; readonly stack: string } | null;
  readonly statistics: RunStatistics;
}

const planStream = 0;
const INSPECT_EVERY_MS = 250;

/** Runs one seed from founding to convergence. The same seed does the same, on every machine. */
export function runSeed(seed: number, options: RunOptions = {}): RunResult {
  const profile = options.profile ?? profileOf(seed);
  const plan = planOf(profile, new SeededRandom(seed, planStream));
  const trace = new Trace(options.print, options.printsMessages ?? false);
  trace.say(0, '', () => `seed ${seed}, profile ${profile}: ${JSON.stringify(plan)}`);
  const watched: ClusterWitnessOptions = {
    settings: plan.settings,
    mayLose: !profiles[profile].isSpaced && !plan.isKept,
    keeps: plan.isKept,
    replication: { ...defaultReplicationOptions, ...plan.tuning.replication },
  };
  const witness = options.witness?.(watched) ?? new ClusterWitness(watched);
  const world = new World(seed, plan, trace, {
    createNode: options.createNode ?? createRealNode,
    witness: trace.isRead ? new DecisionTrace(trace).watching(witness) : witness,
  });
  const faults = new FaultInjector(world);
  let convergenceMs = 0;
  let violation: RunResult['violation'] = null;
  try {
    world.begin();
    faults.begin();
    inspectUntil(world, plan.safetyMs);
    faults.heal();
    trace.say(world.nowMs, '!!!', () => 'healed');
    const recovery = new Recovery(world);
    let phase: Phase = recovery.check();
    while (phase !== 'recovered') {
      inspectUntil(world, world.nowMs + 50);
      phase = recovery.check();
    }
    convergenceMs = world.nowMs - plan.safetyMs;
    world.witness.finish(world);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const name = error instanceof AssertionError ? 'assertion failed: ' : '';
    violation = { message: name + error.message, atMs: world.nowMs, stack: error.stack ?? '' };
    trace.say(world.nowMs, '!!!', () => `violation: ${name}${error.message}`);
  }
  const statistics = statisticsOf(world, faults, convergenceMs);
  return { seed, profile, traceHash: trace.hash, violation, statistics };
}

function inspectUntil(world: World, untilMs: number): void {
  while (world.nowMs < untilMs) {
    world.schedule.runUntil(Math.min(untilMs, world.nowMs + INSPECT_EVERY_MS));
    world.witness.inspect(world);
  }
}

function statisticsOf(world: World, faults: FaultInjector, convergenceMs: number): RunStatistics {
  const { statistics, trace, network, clients } = world;
  const sum = emptyStatistics();
  sum.simulatedMs = world.nowMs;
  sum.events = trace.events;
  sum.frames = network.counts.delivered;
  sum.faults = faults.counts;
  sum.failovers = statistics.failovers;
  sum.handOvers = statistics.handOvers;
  sum.elections = statistics.elections;
  sum.resets = statistics.resets;
  sum.snapshotPieces = statistics.snapshotPieces;
  sum.starts = statistics.starts;
  sum.damagedFrames = statistics.damagedFrames;
  sum.convergenceMs = convergenceMs;
  for (const { counts } of clients) {
    sum.acknowledged += counts.acknowledged;
    sum.indeterminate += counts.indeterminate;
    sum.refused += counts.refused;
  }
  return sum;
}
