import type { PartitionCopy } from '../../../src/cluster/replication/partition-copy.ts';
import type { ReplicationOptions } from '../../../src/cluster/replication/replication-options.ts';
import type { NodeView } from '../witness.ts';
import { violate } from './violation.ts';

/** Requests of a node that wait for answers, and those that a leader works on: far below what the core would refuse. */
const REQUESTS_MAX = 1024;
/** A limit in bytes is asked for before a write, which may go beyond it. */
const RECORD_BYTES_MAX = 256;

/** No queue of a node grows without bound, whatever the world does to it. */
export class QueueCheck {
  readonly #options: ReplicationOptions;
  /** What each replica was at the last inspection. */
  readonly #replicas = new WeakMap<PartitionCopy, { readonly epoch: number; readonly committed: number }>();

  constructor(options: ReplicationOptions) {
    this.#options = options;
  }

  /** A primary has taken a write. */
  appended(node: NodeView, partition: number): void {
    const copy = node.node?.copy(partition);
    if (copy === undefined) return;
    const { uncommittedRecordsMax, uncommittedBytesMax } = this.#options;
    atMost(node, 'unacknowledged records', copy.last - copy.acknowledged, uncommittedRecordsMax);
    atMost(node, 'unacknowledged bytes', copy.uncommittedBytes, uncommittedBytesMax + RECORD_BYTES_MAX);
  }

  inspect(node: NodeView, nodes: number): void {
    if (node.node === null) return;
    const { requests, leading, heartbeats } = node.node.coordinator.queued;
    atMost(node, 'requests', requests, REQUESTS_MAX);
    atMost(node, 'requests to the leader', leading, REQUESTS_MAX);
    // One that waits, one that is being asked about.
    atMost(node, 'heartbeats', heartbeats, 2 * nodes);
    for (const copy of node.node.copies()) this.#inspectCopy(node, copy);
  }

  #inspectCopy(node: NodeView, copy: PartitionCopy): void {
    const { retainedBytesMax, catchUpBytesMax } = this.#options;
    const { role, epoch, committed, uncommittedBytes, retainedBytes } = copy;
    atMost(node, 'bytes of acknowledged records', retainedBytes - uncommittedBytes, catchUpBytesMax);
    const before = this.#replicas.get(copy);
    this.#replicas.delete(copy);
    if (role !== 'replica') return;
    this.#replicas.set(copy, { epoch, committed });
    // It trims whenever it commits something.
    if (before?.epoch !== epoch || before.committed >= committed) return;
    atMost(node, 'bytes of committed records', retainedBytes - uncommittedBytes, retainedBytesMax);
  }
}

function atMost(node: NodeView, what: string, count: number, limit: number): void {
  if (count > limit) violate(`${node.id} keeps ${count} ${what}; at most ${limit} are allowed`);
}
