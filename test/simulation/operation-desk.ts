import type { ClusterNode } from '../../src/cluster/cluster-node.ts';
import type { NodeId } from '../../src/cluster/identity.ts';
import type { PartitionCopy } from '../../src/cluster/replication/partition-copy.ts';
import { type Effect, encodeEffect, hashOf, type PartitionStore } from './partition-store.ts';
import type {
  AckLevel,
  NodeView,
  OperationInput,
  OperationOutput,
  ReadLevel,
  StoredValue,
  Witness,
} from './witness.ts';

/** What a node answers a client. */
export type Reply =
  | { readonly type: 'done'; readonly output: OperationOutput }
  /** Without effect; `primary` is whom to ask instead, as far as this node knows. */
  | { readonly type: 'refused'; readonly reason: string; readonly primary: NodeId | null };

interface Waiting {
  readonly seq: number;
  readonly level: AckLevel;
  readonly isWrite: boolean;
  readonly sinceMs: number;
  /** Its number is committed (or `one` other holds it). */
  readonly done: (nowMs: number) => void;
  /** Nobody knows what becomes of it. */
  readonly lost: () => void;
}

interface Desk {
  committed: number;
  replicated: number;
  waiting: Waiting[];
}

/** After this long a client is told that nobody knows. Milliseconds of the node's clock. */
const WAIT_MS = 1500;

export interface OperationDeskOptions {
  readonly partitions: number;
  readonly store: (partition: number) => PartitionStore;
  readonly witness: Witness;
  readonly view: NodeView;
  readonly trueNowMs: () => number;
  /** A moment later, as when something else runs in between; null: at once. */
  readonly later: () => ((run: (nowMs: number) => void) => void) | null;
}

/** Executes clients' operations on one node as its front end will: what it may do is asked of the partition's copy. */
export class OperationDesk {
  readonly #options: OperationDeskOptions;
  readonly #node: ClusterNode;
  readonly #desks = new Map<number, Desk>();

  constructor(options: OperationDeskOptions, node: ClusterNode) {
    this.#options = options;
    this.#node = node;
  }

  get waiting(): number {
    let count = 0;
    for (const desk of this.#desks.values()) count += desk.waiting.length;
    return count;
  }

  execute(input: OperationInput, nowMs: number, reply: (reply: Reply) => void): void {
    const partition = input.key % this.#options.partitions;
    const copy = this.#node.copy(partition);
    if (copy === undefined) this.#refuse('no copy here', this.#primaryOf(partition), reply);
    else if (input.kind !== 'get') this.#write(partition, copy, input, nowMs, reply);
    else if (input.level.type === 'primary') {
      const found = this.#options.store(partition).entries.get(input.key);
      this.#answer(partition, copy, input.key, found, readOutput(found), nowMs, reply);
    } else this.#readReplica(partition, copy, input.key, input.level, nowMs, reply);
  }

  /** Answers to clients whose writes are held by enough copies now. */
  acknowledge(partition: number, committed: number, replicated: number, nowMs: number): void {
    const desk = this.#desk(partition);
    desk.committed = committed;
    desk.replicated = Math.max(committed, replicated);
    const waiting = desk.waiting;
    desk.waiting = waiting.filter((one) => !isReached(one, desk));
    for (const one of waiting) if (isReached(one, desk)) one.done(nowMs);
  }

  abandon(partition: number, committed: number, nowMs: number): void {
    const { waiting } = this.#desk(partition);
    this.#desks.delete(partition);
    for (const one of waiting) {
      if (one.isWrite && one.seq <= committed) one.done(nowMs);
      else one.lost();
    }
  }

  /** Clients that have waited too long are told so. */
  expire(nowMs: number): void {
    for (const desk of this.#desks.values()) {
      if (!desk.waiting.some((one) => one.sinceMs + WAIT_MS <= nowMs)) continue;
      const waiting = desk.waiting;
      desk.waiting = waiting.filter((one) => one.sinceMs + WAIT_MS > nowMs);
      for (const one of waiting) if (one.sinceMs + WAIT_MS <= nowMs) one.lost();
    }
  }

  #write(
    partition: number,
    copy: PartitionCopy,
    input: Exclude<OperationInput, { kind: 'get' }>,
    nowMs: number,
    reply: (reply: Reply) => void,
  ): void {
    const refusal = copy.writeRefusal(nowMs);
    if (refusal !== null) {
      this.#refuse(refusal.reason, refusal.primary, reply);
      return;
    }
    const { key } = input;
    const store = this.#options.store(partition);
    const found = store.entries.get(key);
    if (input.kind === 'cas' && (found?.version ?? 0) !== input.version) {
      this.#answer(partition, copy, key, found, { kind: 'mismatch' }, nowMs, reply);
      return;
    }
    if (input.kind === 'delete' && found === undefined) {
      this.#answer(partition, copy, key, found, { kind: 'deleted', existed: false }, nowMs, reply);
      return;
    }
    const { epoch } = copy;
    const effect: Effect = input.kind === 'delete' ? { kind: 'delete', key } : { kind: 'set', key, value: input.value };
    const seq = this.#node.append(partition, [hashOf(key)], encodeEffect(effect), nowMs);
    store.applyOne(effect, epoch, seq);
    const { witness, view, trueNowMs } = this.#options;
    witness.appended(view, partition, epoch, seq, key, trueNowMs());
    const version = store.entries.get(key)?.version ?? 0;
    const output: OperationOutput =
      input.kind === 'delete' ? { kind: 'deleted', existed: true } : { kind: 'stored', version, token: { epoch, seq } };
    const done = () => {
      witness.acknowledged(view, partition, epoch, seq, input.ack, key, trueNowMs());
      reply({ type: 'done', output });
    };
    const lost = () => reply({ type: 'done', output: { kind: 'indeterminate' } });
    if (input.ack === 'async') done();
    else this.#wait(partition, { seq, level: input.ack, isWrite: true, sinceMs: nowMs, done, lost }, nowMs);
  }

  /**
   * Answers what was just read at the primary. First the value, then the question whether it may be told: what it
   * rests on must be committed, and this copy must still be the primary that read it, its lease valid.
   */
  #answer(
    partition: number,
    copy: PartitionCopy,
    key: number,
    found: StoredValue | undefined,
    output: OperationOutput,
    nowMs: number,
    reply: (reply: Reply) => void,
  ): void {
    const { epoch } = copy;
    const { witness, view, trueNowMs, later } = this.#options;
    const refusal = copy.readRefusal(nowMs);
    if (refusal !== null) {
      this.#refuse(refusal.reason, refusal.primary, reply);
      return;
    }
    const seq = copy.pendingSeq(hashOf(key));
    const tell = (atMs: number) => {
      const refusal = copy.readRefusal(atMs);
      if (copy.epoch !== epoch) {
        this.#refuse('another epoch', refusal?.primary ?? null, reply);
        return;
      }
      if (refusal !== null) {
        this.#refuse(refusal.reason, refusal.primary, reply);
        return;
      }
      witness.answered(view, partition, key, { type: 'primary' }, found ?? null, trueNowMs());
      reply({ type: 'done', output });
    };
    if (seq > 0) {
      const lost = () => this.#refuse('what it rests on is not committed', this.#primaryOf(partition), reply);
      this.#wait(partition, { seq, level: 'in-sync', isWrite: false, sinceMs: nowMs, done: tell, lost }, nowMs);
      return;
    }
    const delay = later();
    if (delay === null) tell(nowMs);
    else delay(tell);
  }

  #readReplica(
    partition: number,
    copy: PartitionCopy,
    key: number,
    level: Extract<ReadLevel, { type: 'replica' }>,
    nowMs: number,
    reply: (reply: Reply) => void,
  ): void {
    const refusal = copy.replicaReadRefusal(nowMs, level.maxStalenessMs, level.token);
    if (refusal !== null) {
      this.#refuse(refusal.reason, refusal.primary, reply);
      return;
    }
    const { witness, view, trueNowMs } = this.#options;
    const found = this.#options.store(partition).entries.get(key);
    witness.answered(view, partition, key, level, found ?? null, trueNowMs());
    reply({ type: 'done', output: readOutput(found) });
  }

  #refuse(reason: string, primary: NodeId | null, reply: (reply: Reply) => void): void {
    reply({ type: 'refused', reason, primary });
  }

  #primaryOf(partition: number): NodeId | null {
    return this.#node.coordinator.state.partitions[partition]?.primary ?? null;
  }

  #wait(partition: number, waiting: Waiting, nowMs: number): void {
    const desk = this.#desk(partition);
    if (isReached(waiting, desk)) {
      waiting.done(nowMs);
      return;
    }
    desk.waiting.push(waiting);
  }

  #desk(partition: number): Desk {
    let desk = this.#desks.get(partition);
    if (desk === undefined) {
      desk = { committed: 0, replicated: 0, waiting: [] };
      this.#desks.set(partition, desk);
    }
    return desk;
  }
}

function isReached({ seq, level }: Waiting, desk: Desk): boolean {
  return seq <= (level === 'one' ? desk.replicated : desk.committed);
}

function readOutput(found: StoredValue | undefined): OperationOutput {
  return found === undefined ? { kind: 'absent' } : { kind: 'found', value: found.value, version: found.version };
}
