import type { ReplicationOptions } from '../../../src/cluster/replication/replication-options.ts';
import type { NodeView } from '../witness.ts';
import { violate } from './violation.ts';

/** Requests of a node that wait for answers, and those that a leader works on. */
const REQUESTS_MAX = 4096;
/** One batch of writes may pass a limit that is asked for before it. */
const SLACK = 1.1;

/** No queue of a node grows without bound, whatever the world does to it. */
export class QueueCheck {
  readonly #options: ReplicationOptions;

  constructor(options: ReplicationOptions) {
    this.#options = options;
  }

  inspect(node: NodeView, nodes: number): void {
    if (node.node === null) return;
    const { requests, leading, heartbeats } = node.node.coordinator.queued;
    this.#atMost(node, 'requests', requests, REQUESTS_MAX);
    this.#atMost(node, 'requests to the leader', leading, REQUESTS_MAX);
    // One that waits, one that is being asked about.
    this.#atMost(node, 'heartbeats', heartbeats, 2 * nodes);
    const { uncommittedRecordsMax, uncommittedBytesMax, catchUpBytesMax } = this.#options;
    for (const copy of node.node.copies()) {
      if (copy.role === 'primary') {
        this.#atMost(node, 'uncommitted records', copy.last - copy.committed, uncommittedRecordsMax * SLACK);
        this.#atMost(node, 'uncommitted bytes', copy.uncommittedBytes, uncommittedBytesMax * SLACK);
      }
      this.#atMost(node, 'bytes of records', copy.retainedBytes, (catchUpBytesMax + uncommittedBytesMax) * SLACK);
    }
  }

  #atMost(node: NodeView, what: string, count: number, limit: number): void {
    if (count > limit) violate(`${node.id} has ${count} ${what} waiting; at most ${limit} are allowed`);
  }
}
