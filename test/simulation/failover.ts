import { SeededRandom } from './random.ts';
import { silentWitness } from './silent-witness.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { steadyPlan } from './steady-plan.ts';
import { Trace } from './trace.ts';
import { createRealNode, World } from './world.ts';

/** From a primary's death to the first write that its successor acknowledged, over many deaths. Milliseconds. */
export interface FailoverFigures {
  readonly count: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface FailoverReport {
  /** The controller lives on another node. */
  readonly controllerLives: FailoverFigures;
  /** It dies with the primary. */
  readonly controllerDies: FailoverFigures;
  /** Whether all were as quick as is promised, see {@link failoverLimits}. */
  readonly isKept: boolean;
}

/** No failover may take longer. Milliseconds. */
export const failoverLimits = { controllerLives: 2000, controllerDies: 4000 } as const;

const PROBE_EVERY_MS = 5;
/** How long a cluster may take to be whole again, or a partition to take a write. */
const PATIENCE_MS = 30_000;
/** Worlds are begun anew after so many deaths, each with other clocks. */
const DEATHS_PER_WORLD = 50;

/** `count` deaths of either kind. `onDone` is told how many of how many are done. */
export function measureFailovers(
  count: number,
  seed: number,
  onDone: (done: number, of: number) => void = () => {},
): FailoverReport {
  const controllerLives = figuresOf(sample(count, seed, false, (done) => onDone(done, 2 * count)));
  const controllerDies = figuresOf(sample(count, seed, true, (done) => onDone(count + done, 2 * count)));
  const isKept =
    controllerLives.maxMs <= failoverLimits.controllerLives && controllerDies.maxMs <= failoverLimits.controllerDies;
  return { controllerLives, controllerDies, isKept };
}

export function describeFailovers({ controllerLives, controllerDies }: FailoverReport): string {
  const row = (name: string, { count, medianMs, p99Ms, maxMs }: FailoverFigures, limitMs: number) =>
    `${name.padEnd(32)} ${count} failovers: median ${medianMs.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, ` +
    `longest ${maxMs.toFixed(0)} ms: ${maxMs <= limitMs ? 'within' : 'MORE THAN'} the ${limitMs} ms promised`;
  const { nodes, settings, network, disk, tuning } = steadyPlan;
  return [
    'From the death of a primary to the first write acknowledged on the last of its partitions, in simulated time',
    `${nodes} nodes, ${settings.partitions} partitions of ${settings.copies} copies, leases of ${settings.leaseMs} ms, heartbeats every ` +
      `${tuning.heartbeatMs} ms, links of ${(network.minDelayMs + network.meanDelayMs).toFixed(1)} ms, syncs of ${disk.syncMinMs + disk.syncMeanMs} ms on average`,
    row('controller on another node', controllerLives, failoverLimits.controllerLives),
    row('controller on the same node', controllerDies, failoverLimits.controllerDies),
  ].join('\n');
}

function sample(count: number, seed: number, diesWithController: boolean, onDone: (done: number) => void): number[] {
  const samples: number[] = [];
  for (let world = 0; samples.length < count; world++) {
    const experiment = new FailoverExperiment(seed * 1000 + world);
    const deaths = Math.min(DEATHS_PER_WORLD, count - samples.length);
    for (let death = 0; death < deaths; death++) {
      samples.push(experiment.kill(diesWithController));
      onDone(samples.length);
    }
  }
  return samples;
}

class FailoverExperiment {
  readonly #world: World;
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed, 4);
    this.#world = new World(seed, steadyPlan, new Trace(), { createNode: createRealNode, witness: silentWitness() });
    this.#world.begin();
  }

  /** Kills a primary at some moment; answers how long it took until all its partitions took writes again. */
  kill(diesWithController: boolean): number {
    const world = this.#world;
    for (;;) {
      this.#runUntil('the cluster is whole', () => world.whatIsMissing() === null);
      world.schedule.runUntil(world.nowMs + this.#random.between(300, 1000));
      const victim = this.#victim(diesWithController);
      if (victim !== null && world.whatIsMissing() === null) return this.#killNode(victim);
      this.#moveController();
    }
  }

  #killNode(victim: SimulatedNode): number {
    const world = this.#world;
    const waiting = new Set<number>();
    for (const [partition, { primary }] of world.newestState.partitions.entries()) {
      if (primary === victim.id) waiting.add(partition);
    }
    victim.crash('killed');
    const diedMs = world.nowMs;
    let lastMs = diedMs;
    let isOver = false;
    const probe = () => {
      if (isOver) return;
      for (const partition of waiting)
        this.#probe(partition, () => {
          if (!waiting.delete(partition)) return;
          lastMs = world.nowMs;
        });
      world.schedule.after(PROBE_EVERY_MS, probe);
    };
    probe();
    this.#runUntil('its partitions take writes', () => waiting.size === 0);
    isOver = true;
    world.schedule.runUntil(world.nowMs + this.#random.between(0, 1000));
    victim.start();
    return lastMs - diedMs;
  }

  /** Asks everybody who runs: whoever is primary answers. */
  #probe(partition: number, onStored: () => void): void {
    const world = this.#world;
    for (const node of world.running) {
      node.execute({ kind: 'set', key: partition, value: world.nextValue(), ack: 'in-sync' }, (reply) => {
        if (reply.type === 'done' && reply.output.kind === 'stored') onStored();
      });
    }
  }

  #victim(isController: boolean): SimulatedNode | null {
    const { leader, newestState, running } = this.#world;
    const isPrimary = (node: SimulatedNode) => newestState.partitions.some(({ primary }) => primary === node.id);
    const candidates = running.filter((node) => (node === leader) === isController && isPrimary(node));
    return candidates.length === 0 ? null : this.#random.pick(candidates);
  }

  #moveController(): void {
    const { leader, running } = this.#world;
    const to = this.#random.pick(running.filter((node) => node !== leader)).id;
    leader?.act((core, nowMs) => core.coordinator.transferLeadership(to, nowMs));
  }

  #runUntil(what: string, isSo: () => boolean): void {
    const world = this.#world;
    const endMs = world.nowMs + PATIENCE_MS;
    while (!isSo()) {
      if (world.nowMs > endMs) {
        const missing = world.whatIsMissing() ?? 'nothing';
        throw new Error(`not within ${PATIENCE_MS} ms: ${what}; missing: ${missing}`);
      }
      world.schedule.runUntil(world.nowMs + PROBE_EVERY_MS);
    }
  }
}

function figuresOf(samples: readonly number[]): FailoverFigures {
  const sorted = [...samples].sort((left, right) => left - right);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: sorted.length, medianMs: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) ?? 0 };
}
