import { Violation } from './check/violation.ts';
import type { SimulatedClient } from './simulated-client.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { World } from './world.ts';

export type Phase = 'settling' | 'writing' | 'comparing' | 'recovered';

/** Clients go on for a while after the healing: a cluster must recover under load. */
const LOAD_MS = 300;
/** After the last write every copy has applied it within so long. */
const COMPARE_MS = 5000;

/**
 * What must come about once everything works again: somebody leads, every partition has a primary and all its copies
 * in sync, each takes a write, and then all copies hold the same.
 */
export class Recovery {
  readonly #world: World;
  readonly #startedMs: number;
  readonly #writer: SimulatedClient;
  #phase: Phase = 'settling';
  #writing = -1;
  #comparingSinceMs = 0;

  constructor(world: World) {
    this.#world = world;
    this.#startedMs = world.nowMs;
    this.#writer = world.addClient({ ...world.plan.habits, loss: 0, attemptTimeoutMs: 5000, giveUpMs: 5000 });
    world.administrator.resetOffline();
  }

  /** How far it has come; throws a {@link Violation} when it takes too long. */
  check(): Phase {
    const world = this.#world;
    const sinceMs = world.nowMs - this.#startedMs;
    if (this.#phase === 'settling') {
      if (sinceMs >= LOAD_MS) for (const client of world.clients) client.stop();
      this.#removeLateStarts();
      world.countReturned();
      // Asked for last, since it costs most.
      if (sinceMs >= LOAD_MS && !world.administrator.isBusy && world.whatIsMissing() === null) {
        this.#phase = 'writing';
        this.#writeNext();
      } else if (sinceMs > world.plan.livenessMs) {
        const missing = world.whatIsMissing() ?? 'the administrator waits';
        throw new Violation(`no recovery within ${world.plan.livenessMs} ms of healing: ${missing}`);
      }
    } else if (this.#phase === 'comparing') {
      const difference = this.#difference();
      if (difference === null) this.#phase = 'recovered';
      else if (world.nowMs - this.#comparingSinceMs > COMPARE_MS) throw new Violation(difference);
    } else if (this.#phase === 'writing' && sinceMs > 2 * world.plan.livenessMs) {
      throw new Violation('writes after the recovery are never answered');
    }
    return this.#phase;
  }

  /**
   * A node that was started again while it was being removed may have asked to be registered before it was gone, and
   * comes in by that: the removal was of its earlier start. An administrator would remove it once more.
   */
  #removeLateStarts(): void {
    const { newestState, gone, administrator } = this.#world;
    for (const { id, boot } of newestState.nodes.values()) {
      if (boot > 1 && gone.has(id) && !administrator.isLeaving(id)) administrator.giveUp(id);
    }
  }

  #writeNext(): void {
    const world = this.#world;
    this.#writing++;
    if (this.#writing >= world.plan.settings.partitions) {
      this.#comparingSinceMs = world.nowMs;
      this.#phase = 'comparing';
      return;
    }
    const partition = this.#writing;
    this.#writer.ask({ kind: 'set', key: partition, value: world.nextValue(), ack: 'in-sync' }, (output) => {
      if (output.kind !== 'stored') {
        throw new Violation(`a write to partition ${partition} after the recovery ended as ${output.kind}`);
      }
      this.#writeNext();
    });
  }

  /** Between copies of one partition, or between what clients wait for and nothing. */
  #difference(): string | null {
    const world = this.#world;
    for (const client of world.clients) if (client.isBusy) return 'a client still waits for an answer';
    for (const [partition, { primary, inSync }] of world.newestState.partitions.entries()) {
      const first = primary === null ? undefined : world.nodeOf(primary);
      if (first === undefined) return `partition ${partition} has lost its primary again`;
      for (const { node } of inSync) {
        const other = world.nodeOf(node);
        if (other !== undefined && !areEqual(first, other, partition)) {
          return `partition ${partition} differs between its primary ${first.id} and ${node}`;
        }
      }
    }
    return null;
  }
}

function areEqual(one: SimulatedNode, other: SimulatedNode, partition: number): boolean {
  const left = one.store(partition);
  const right = other.store(partition);
  if (left.size !== right.size) return false;
  for (const [key, { value, version }] of left) {
    const found = right.get(key);
    if (found?.value !== value || found.version !== version) return false;
  }
  return true;
}
