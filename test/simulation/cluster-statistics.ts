import type { FaultKind } from './fault-kinds.ts';
import type { Witness } from './witness.ts';

/** What happened in a run, counted. */
export interface RunStatistics {
  simulatedMs: number;
  events: number;
  frames: number;
  faults: Partial<Record<FaultKind, number>>;
  /** A partition's primary died or was cut off and another one took over. */
  failovers: number;
  handOvers: number;
  elections: number;
  resets: number;
  acknowledged: number;
  indeterminate: number;
  refused: number;
  snapshotPieces: number;
  starts: number;
  damagedFrames: number;
  /** From healing until all was as it should be; milliseconds. The longest, when runs are added up. */
  convergenceMs: number;
}

/** Counts along with whoever watches the run. */
export class ClusterStatistics {
  damagedFrames = 0;
  failovers = 0;
  handOvers = 0;
  resets = 0;
  snapshotPieces = 0;
  starts = 0;
  readonly #terms = new Set<number>();
  readonly #epochs: number[] = [];
  readonly #resetEpochs: number[] = [];
  readonly #primaries: (string | null)[] = [];
  readonly #running = new Set<string>();

  get elections(): number {
    return this.#terms.size;
  }

  watching(witness: Witness): Witness {
    return {
      ...boundWitness(witness),
      started: (node, restored, nowMs) => {
        this.starts++;
        this.#running.add(node.id);
        witness.started(node, restored, nowMs);
      },
      stopped: (node, nowMs) => {
        this.#running.delete(node.id);
        witness.stopped(node, nowMs);
      },
      stepped: (node, nowMs) => {
        const raft = node.node?.coordinator.raft;
        if (raft?.role === 'leader') this.#terms.add(raft.term);
        witness.stepped(node, nowMs);
      },
      loaded: (node, partition, entries, nowMs) => {
        this.snapshotPieces++;
        witness.loaded(node, partition, entries, nowMs);
      },
      configured: (node, state, index, nowMs) => {
        for (const [partition, { epoch, resetEpoch, primary, inSync }] of state.partitions.entries()) {
          if (epoch <= (this.#epochs[partition] ?? 0)) continue;
          const before = this.#primaries[partition] ?? null;
          const isReset = resetEpoch > (this.#resetEpochs[partition] ?? 0);
          if (isReset) {
            if (epoch > 1) this.resets++;
          } else if (before !== primary && inSync.some((member) => member.node === before)) this.handOvers++;
          else this.failovers++;
          this.#epochs[partition] = epoch;
          this.#resetEpochs[partition] = resetEpoch;
          this.#primaries[partition] = primary;
        }
        witness.configured(node, state, index, nowMs);
      },
    };
  }
}

/** The witness's methods, so that some can be replaced. */
export function boundWitness(witness: Witness): Witness {
  return {
    started: (...all) => witness.started(...all),
    stopped: (...all) => witness.stopped(...all),
    lostData: (...all) => witness.lostData(...all),
    configured: (...all) => witness.configured(...all),
    persisting: (...all) => witness.persisting(...all),
    persisted: (...all) => witness.persisted(...all),
    sent: (...all) => witness.sent(...all),
    stepped: (...all) => witness.stepped(...all),
    appended: (...all) => witness.appended(...all),
    applied: (...all) => witness.applied(...all),
    loaded: (...all) => witness.loaded(...all),
    cleared: (...all) => witness.cleared(...all),
    acknowledged: (...all) => witness.acknowledged(...all),
    answered: (...all) => witness.answered(...all),
    invoked: (...all) => witness.invoked(...all),
    completed: (...all) => witness.completed(...all),
    inspect: (...all) => witness.inspect(...all),
    finish: (...all) => witness.finish(...all),
  };
}

export function emptyStatistics(): RunStatistics {
  return {
    simulatedMs: 0,
    events: 0,
    frames: 0,
    faults: {},
    failovers: 0,
    handOvers: 0,
    elections: 0,
    resets: 0,
    acknowledged: 0,
    indeterminate: 0,
    refused: 0,
    snapshotPieces: 0,
    starts: 0,
    damagedFrames: 0,
    convergenceMs: 0,
  };
}

export function addStatistics(sum: RunStatistics, one: RunStatistics): void {
  for (const [kind, count] of Object.entries(one.faults) as [FaultKind, number][]) {
    sum.faults[kind] = (sum.faults[kind] ?? 0) + count;
  }
  sum.simulatedMs += one.simulatedMs;
  sum.events += one.events;
  sum.frames += one.frames;
  sum.failovers += one.failovers;
  sum.handOvers += one.handOvers;
  sum.elections += one.elections;
  sum.resets += one.resets;
  sum.acknowledged += one.acknowledged;
  sum.indeterminate += one.indeterminate;
  sum.refused += one.refused;
  sum.snapshotPieces += one.snapshotPieces;
  sum.starts += one.starts;
  sum.damagedFrames += one.damagedFrames;
  sum.convergenceMs = Math.max(sum.convergenceMs, one.convergenceMs);
}
