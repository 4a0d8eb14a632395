import type { ClusterCommand } from '../../src/cluster/controller/cluster-command.ts';
import type { ClusterSettings, ClusterState } from '../../src/cluster/controller/cluster-state.ts';
import type { NodeId } from '../../src/cluster/identity.ts';
import type { SeededRandom } from './random.ts';
import type { Schedule } from './schedule.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { Trace } from './trace.ts';

const RETRY_MS = 300;

/** What it sees of the world. */
export interface Administered {
  readonly schedule: Schedule;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly running: readonly SimulatedNode[];
  /** Nodes that are never started again. */
  readonly gone: Set<NodeId>;
  readonly newestState: ClusterState;
}

/** Asks the cluster for changes, by whichever node runs, as often as it takes until it sees them done. */
export class Administrator {
  readonly #world: Administered;
  readonly #leaving = new Map<NodeId, 'drain' | 'give-up'>();
  #settings: Pick<ClusterSettings, 'copies' | 'minInSync' | 'onLoss'> | null = null;
  #resetsOffline = false;
  #isWorking = false;

  constructor(world: Administered) {
    this.#world = world;
  }

  get isBusy(): boolean {
    return this.#leaving.size > 0 || this.#settings !== null;
  }

  isLeaving(id: NodeId): boolean {
    return this.#leaving.has(id);
  }

  /** Moves everything off the node, then removes it. */
  drain(id: NodeId): void {
    this.#leaving.set(id, 'drain');
    this.#work();
  }

  /** The node will never come back: what only it held is gone. */
  giveUp(id: NodeId): void {
    this.#leaving.set(id, 'give-up');
    this.#work();
  }

  /** It has left and comes back: nobody waits for it to leave any more. */
  welcome(id: NodeId): void {
    this.#leaving.delete(id);
  }

  change(settings: Pick<ClusterSettings, 'copies' | 'minInSync' | 'onLoss'>): void {
    this.#settings = settings;
    this.#work();
  }

  /** From now on partitions that have lost all copies begin empty. */
  resetOffline(): void {
    this.#resetsOffline = true;
    this.#work();
  }

  #work(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#round();
  }

  #round(): void {
    for (const [id, why] of [...this.#leaving]) this.#leave(id, why);
    this.#setSettings();
    if (this.#resetsOffline) this.#reset(false);
    if (!this.isBusy && !this.#resetsOffline) {
      this.#isWorking = false;
      return;
    }
    this.#world.schedule.after(RETRY_MS, () => this.#round());
  }

  #leave(id: NodeId, why: 'drain' | 'give-up'): void {
    const world = this.#world;
    const state = world.newestState;
    if (state.settings === null) return;
    const entry = state.nodes.get(id);
    if (entry === undefined) {
      this.#leaving.delete(id);
      world.gone.add(id);
      return;
    }
    // First so that it stays, then so that it goes.
    const leaves = why === 'give-up' || entry.isDraining;
    if (!entry.isLeaving) this.#ask({ type: 'drain', node: id, boot: entry.boot, isDraining: true, leaves });
    else {
      if (why === 'give-up') this.#reset(true, id);
      this.#ask({ type: 'remove', node: id });
    }
  }

  #setSettings(): void {
    const settings = this.#settings;
    if (settings === null) return;
    const current = this.#world.newestState.settings;
    if (current === null) return;
    const { copies, minInSync, onLoss } = settings;
    if (current.copies === copies && current.minInSync === minInSync && current.onLoss === onLoss)
      this.#settings = null;
    else this.#ask({ type: 'set-settings', copies, minInSync, onLoss });
  }

  /** `givesUp`: also those that live on in a node which is gone for good. */
  #reset(givesUp: boolean, id?: NodeId): void {
    for (const [partition, { primary, inSync, version }] of this.#world.newestState.partitions.entries()) {
      if (primary !== null) continue;
      const isLost = givesUp ? inSync.every(({ node }) => node === id) : inSync.length === 0;
      if (isLost) this.#ask({ type: 'reset', partition, version, givesUp });
    }
  }

  #ask(command: ClusterCommand): void {
    const { running, random, trace, schedule } = this.#world;
    const awake = running.filter((node) => !node.isPaused);
    if (awake.length === 0) return;
    const node = random.pick(awake);
    trace.say(schedule.nowMs, 'adm', () => `asks ${node.id}: ${JSON.stringify(command)}`);
    node.submit(command);
  }
}
