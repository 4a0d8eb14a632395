import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { assert, unreachable } from '../../base/assert.ts';
import { FluxError } from '../../base/errors.ts';
import type { Logger } from '../../base/ports.ts';
import { moduleBeside, spawnThread } from '../../base/spawn-thread.ts';
import type { DoorbellHandle } from '../../mailbox/doorbell.ts';
import type { ClusterCommand } from '../controller/cluster-command.ts';
import { type ClusterState, emptyClusterState, type NodeEndpoints } from '../controller/cluster-state.ts';
import { applyStateDelta } from '../controller/state-delta-codec.ts';
import type { CoordinatorAnswer } from '../coordinator.ts';
import type { NodeId } from '../identity.ts';
import { PartitionGates, type PartitionGatesHandle } from '../partition-gates.ts';
import type {
  BusSettings,
  ClusterActorSettings,
  ClusterThreadData,
  FromClusterThread,
  KeptOnDisk,
  ToClusterThread,
} from './cluster-thread-data.ts';
import type { ClusterStatus, ClusterView } from './cluster-view.ts';
import { NodeIdentityFile } from './node-identity-file.ts';
import type { ShardLinkHandle } from './shard-link.ts';

export interface ClusterClientOptions extends ClusterActorSettings {
  readonly gates: PartitionGatesHandle;
  /** One for each shard; their `actorBell` is `bell`. */
  readonly links: readonly ShardLinkHandle[];
  readonly bell: DoorbellHandle;
  readonly shardOfPartition: readonly number[];
  readonly logger: Logger;
  /** The node cannot go on, and must end: told once. */
  readonly onFailed: (reason: string) => void;
}

/** Beyond what the actor was given: then it does not answer. */
const GRACE_MS = 2000;

const NOTHING_KNOWN: ClusterStatus = {
  atMs: 0,
  leader: null,
  term: 0,
  voters: [],
  learners: [],
  registrationRefusal: null,
  waitsFor: null,
  journalTrouble: null,
  journalFailures: 0,
  links: [],
  copies: [],
};

/**
 * The cluster, as the main thread of a node deals with it: it starts the cluster's thread and sees what that one tells.
 *
 *     new -> starting        `start`
 *     starting -> running    the bus listens
 *     any -> ended           it was stopped, or has failed
 */
export class ClusterClient implements ClusterView {
  readonly self: NodeId;
  readonly gates: PartitionGates;
  #boot = 0;
  #busPort = 0;
  #clusterId: string;
  #state: ClusterState = emptyClusterState;
  #hasState = false;
  #stateAtMs = 0;
  #status = NOTHING_KNOWN;
  #worker: Worker | null = null;
  #hasEnded = false;
  #isStopping = false;
  #onListening: { resolve(): void; reject(error: Error): void } | null = null;
  #onHandedOver: ((primariesLeft: number) => void) | null = null;
  #onStopped: (() => void) | null = null;
  #lastRequest = 0;
  readonly #answers = new Map<number, (answer: CoordinatorAnswer) => void>();
  readonly #listeners = new Set<() => void>();
  readonly #statusListeners = new Set<() => void>();
  readonly #options: ClusterClientOptions;

  /** Reads who the node is, or gives it a name. Throws a {@link FluxError} that names the file when that fails. */
  constructor(options: ClusterClientOptions) {
    this.#options = options;
    this.gates = new PartitionGates(options.gates);
    const { identity } = new NodeIdentityFile(options.dataDir, options.nodeName);
    this.self = identity.node;
    this.#clusterId = identity.clusterId;
  }

  /** 0 before it has started. */
  get boot(): number {
    return this.#boot;
  }

  /** Of the bus; 0 before it listens. */
  get busPort(): number {
    return this.#busPort;
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  get state(): ClusterState {
    return this.#state;
  }

  get stateAtMs(): number {
    return this.#stateAtMs;
  }

  get status(): ClusterStatus {
    return this.#status;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onStatus(listener: () => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /**
   * Starts the cluster's thread, which looks for the cluster, or founds it with others, from then on. Resolves when the bus
   * listens; rejects with a {@link FluxError} when the directory or the port cannot be had.
   *
   * `endpoints` that begin with `:` get the host at which other nodes see this one. `kept`: what the node has on its disk of
   * copies of earlier starts; null: nothing is kept there.
   */
  start(endpoints: NodeEndpoints, kept: KeptOnDisk | null = null): Promise<void> {
    assert(this.#worker === null && !this.#hasEnded, 'the cluster is started once');
    const { gates, links, bell, shardOfPartition } = this.#options;
    const { dataDir, nodeName, bus, bootstrapExpect, settings, weight, zone } = this.#options;
    const own = { dataDir, nodeName, bus, bootstrapExpect, settings, weight, zone };
    const workerData: ClusterThreadData = { ...own, endpoints, kept, gates, links, bell, shardOfPartition };
    const worker = spawnThread(moduleBeside('./cluster-thread', import.meta.url), { name: 'cluster', workerData });
    this.#worker = worker;
    worker.on('message', (message: FromClusterThread) => this.#take(message));
    worker.on('error', (error) => this.#fail(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    worker.on('exit', (code) => this.#fail(`its thread exited with ${code}`));
    return new Promise((resolve, reject) => {
      this.#onListening = { resolve, reject };
    });
  }

  submit(command: ClusterCommand): Promise<CoordinatorAnswer> {
    if (this.#worker === null || this.#hasEnded) {
      return Promise.resolve({ type: 'refused', reason: 'the node is of no cluster now', isRetryable: true });
    }
    const request = ++this.#lastRequest;
    this.#tell({ kind: 'submit', request, command });
    return new Promise((resolve) => this.#answers.set(request, resolve));
  }

  /** Certificates for connections to come. */
  setTls(tls: NonNullable<BusSettings['tls']>): void {
    if (!this.#hasEnded) this.#tell({ kind: 'tls', tls });
  }

  /**
   * Has this node's primaries and its leadership go to others, which goes on serving meanwhile: before it stops. Resolves
   * to how many partitions it is still primary of, after `deadlineMs` at the latest.
   */
  handOver(deadlineMs: number): Promise<number> {
    if (this.#worker === null || this.#hasEnded) return Promise.resolve(0);
    return new Promise((resolve) => {
      const left = (): number => this.#state.partitions.filter(({ primary }) => primary === this.self).length;
      const timer = setTimeout(() => this.#onHandedOver?.(left()), deadlineMs + GRACE_MS);
      this.#onHandedOver = (primariesLeft) => {
        clearTimeout(timer);
        this.#onHandedOver = null;
        resolve(primariesLeft);
      };
      this.#tell({ kind: 'hand-over', deadlineMs });
    });
  }

  /** Tells the cluster that this node ends, and ends the thread. Nothing may be answered from shared memory any more. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    const worker = this.#worker;
    if (worker === null || this.#hasEnded) {
      this.#hasEnded = true;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#onStopped?.(), deadlineMs + GRACE_MS);
      this.#onStopped = () => {
        clearTimeout(timer);
        this.#onStopped = null;
        resolve();
      };
      this.#tell({ kind: 'stop', deadlineMs });
    });
    this.#end();
    // A disk that does not answer may hold it for as long as it likes.
    await Promise.race([worker.terminate(), sleep(GRACE_MS, undefined, { ref: false })]);
  }

  /** All that this start has confirmed is on the disk, and it has ended: told last of all. */
  noteKept(): void {
    const { dataDir, nodeName } = this.#options;
    const file = new NodeIdentityFile(dataDir, nodeName);
    const { identity } = file;
    if (identity.keeping !== null) file.write({ ...identity, keeping: { ...identity.keeping, hasEnded: true } });
  }

  #take(message: FromClusterThread): void {
    switch (message.kind) {
      case 'listening':
        this.#boot = message.boot;
        this.#busPort = message.port;
        this.#onListening?.resolve();
        this.#onListening = null;
        return;
      case 'member':
        this.#clusterId = message.clusterId;
        this.#changed();
        return;
      case 'state':
        this.#state = applyStateDelta(this.#hasState ? this.#state : null, message.change);
        this.#hasState = true;
        this.#stateAtMs = message.atMs;
        this.#changed();
        return;
      case 'answered':
        this.#answers.get(message.request)?.(message.answer);
        this.#answers.delete(message.request);
        return;
      case 'status':
        this.#status = message.status;
        for (const listener of [...this.#statusListeners]) listener();
        return;
      case 'handed-over':
        this.#onHandedOver?.(message.primariesLeft);
        return;
      case 'log':
        this.#options.logger[message.level](message.fields, message.message);
        return;
      case 'failed':
        this.#fail(message.reason);
        return;
      case 'stopped':
        this.#onStopped?.();
        return;
      default:
        unreachable(message);
    }
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #fail(reason: string): void {
    if (this.#hasEnded) return;
    const starting = this.#onListening;
    this.#end();
    void this.#worker?.terminate();
    if (starting !== null) starting.reject(new FluxError('internal', `the cluster: ${reason}`));
    else if (!this.#isStopping) this.#options.onFailed(reason);
  }

  /** Nothing comes any more. */
  #end(): void {
    this.#hasEnded = true;
    this.gates.setLease(Number.NEGATIVE_INFINITY);
    for (const resolve of this.#answers.values()) resolve({ type: 'unknown' });
    this.#answers.clear();
    this.#onListening = null;
    this.#onHandedOver?.(0);
    this.#onStopped?.();
  }

  #tell(message: ToClusterThread): void {
    this.#worker?.postMessage(message);
  }
}
