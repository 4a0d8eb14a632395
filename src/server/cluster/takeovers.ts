import type { ClusterState } from '../../cluster/controller/cluster-state.ts';
import { type PartitionGates, ReignStage } from '../../cluster/partition-gates.ts';
import type { ClusterNoteBody } from './cluster-note.ts';

/** So many losses are followed at once: of more, the oldest is not. */
const TAKEOVERS_MAX = 16;

type Stages = Pick<PartitionGates, 'stageMs'>;

/** A partition that this node got by a loss, and how far it has come. Times are of `monotonicMs`. */
interface Taken {
  readonly partition: number;
  readonly epoch: number;
  begunMs: number | null;
  openedMs: number | null;
  hasMovedOn: boolean;
}

interface Takeover {
  readonly lost: number;
  readonly lostAtMs: number;
  readonly partitions: readonly Taken[];
  hasTaken: boolean;
  isServed: boolean;
  hasWritten: boolean;
}

export interface TakeoversHost {
  /** A time of `monotonicMs` as milliseconds since the Unix epoch. */
  toWallMs(ms: number): number;
  note(body: ClusterNoteBody, atMs: number): void;
}

/** Follows what this node took over from nodes that were lost, by what its shards say of it; pure. */
export class Takeovers {
  #open: Takeover[] = [];

  /** By the loss of that note, noted then, this node is primary of these partitions, in these epochs. */
  begin(
    lost: number,
    lostAtMs: number,
    partitions: readonly { readonly partition: number; readonly epoch: number }[],
  ): void {
    if (partitions.length === 0) return;
    const taken = partitions.map((of) => ({ ...of, begunMs: null, openedMs: null, hasMovedOn: false }));
    this.#open.push({ lost, lostAtMs, partitions: taken, hasTaken: false, isServed: false, hasWritten: false });
    if (this.#open.length > TAKEOVERS_MAX) this.#open.shift();
  }

  /** To be called now and then; what happened meanwhile is noted with its own time. */
  look(state: ClusterState, gates: Stages, nowMs: number, host: TakeoversHost): void {
    for (const takeover of this.#open) look(takeover, state, gates, nowMs, host);
    this.#open = this.#open.filter((takeover) => !isOver(takeover));
  }
}

function isOver({ hasWritten, isServed, partitions }: Takeover): boolean {
  return isServed && (hasWritten || partitions.every(({ hasMovedOn }) => hasMovedOn));
}

function look(takeover: Takeover, state: ClusterState, gates: Stages, nowMs: number, host: TakeoversHost): void {
  const { lost, lostAtMs, partitions } = takeover;
  // Two clocks are read one after the other: what follows is not told as having come a millisecond before.
  const at = (ms: number): number => Math.max(lostAtMs, host.toWallMs(ms));
  let firstWriteMs = Number.POSITIVE_INFINITY;
  for (const taken of partitions) {
    const { partition, epoch } = taken;
    if (taken.hasMovedOn) continue;
    taken.begunMs ??= gates.stageMs(partition, epoch, ReignStage.begun, nowMs);
    taken.openedMs ??= gates.stageMs(partition, epoch, ReignStage.opened, nowMs);
    const writtenMs = takeover.hasWritten ? null : gates.stageMs(partition, epoch, ReignStage.written, nowMs);
    if (writtenMs !== null) firstWriteMs = Math.min(firstWriteMs, writtenMs);
    taken.hasMovedOn = state.partitions[partition]?.epoch !== epoch;
  }
  if (!takeover.hasTaken && partitions.every(({ begunMs, hasMovedOn }) => begunMs !== null || hasMovedOn)) {
    takeover.hasTaken = true;
    const times = partitions.flatMap(({ begunMs }) => begunMs ?? []);
    const [firstMs, lastMs] = rangeOf(times);
    if (times.length > 0) {
      host.note({ kind: 'took', lost, partitions: times.length, firstAtMs: at(firstMs) }, at(lastMs));
    }
  }
  if (
    takeover.hasTaken &&
    !takeover.isServed &&
    partitions.every((taken) => taken.openedMs !== null || taken.hasMovedOn)
  ) {
    takeover.isServed = true;
    const times = partitions.flatMap(({ openedMs }) => openedMs ?? []);
    const lastMs = times.length === 0 ? nowMs : rangeOf(times)[1];
    host.note({ kind: 'served', lost, partitions: times.length }, at(lastMs));
  }
  if (takeover.hasTaken && firstWriteMs < Number.POSITIVE_INFINITY) {
    takeover.hasWritten = true;
    host.note({ kind: 'first-write', lost }, at(firstWriteMs));
  }
}

/** The least and the largest; without spreading, of which there may be thousands. */
function rangeOf(values: readonly number[]): readonly [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    least = Math.min(least, value);
    largest = Math.max(largest, value);
  }
  return [least, largest];
}
