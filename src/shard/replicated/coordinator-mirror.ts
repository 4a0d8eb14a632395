import type { ShardLink } from '../../cluster/actor/shard-link.ts';
import type { ClusterCommand } from '../../cluster/controller/cluster-command.ts';
import { type ClusterState, emptyClusterState } from '../../cluster/controller/cluster-state.ts';
import { encodeCommand } from '../../cluster/controller/command-codec.ts';
import { applyStateDelta } from '../../cluster/controller/state-delta-codec.ts';
import type { Coordinator } from '../../cluster/coordinator.ts';
import type { PartitionGates } from '../../cluster/partition-gates.ts';
import type { Lease } from '../../cluster/replication/replication-host.ts';

/**
 * The coordinator as a shard sees it: the state by way of the link, the lease by way of shared memory. The lease there
 * is never ahead of the state here: the cluster actor gives it once the shard has taken in what it depends on.
 */
export class CoordinatorMirror implements Coordinator {
  state: ClusterState = emptyClusterState;
  readonly lease: Lease;
  readonly wakeAtMs = Number.POSITIVE_INFINITY;
  readonly #link: ShardLink;
  readonly #onSubmit: (command: ClusterCommand) => void;

  /** `onSubmit` is told of a request before anybody can have it. */
  constructor(
    link: ShardLink,
    gates: PartitionGates,
    nowMs: () => number,
    onSubmit: (command: ClusterCommand) => void,
  ) {
    this.#link = link;
    this.#onSubmit = onSubmit;
    this.lease = {
      get endsAtMs(): number {
        const atMs = nowMs();
        return atMs + gates.leaseLeftMs(atMs);
      },
    };
  }

  /** Takes the configuration that the link has at hand. */
  take(): void {
    const { bytes, offset, length, isFull } = this.#link;
    this.state = applyStateDelta(isFull ? null : this.state, bytes.slice(offset, offset + length));
  }

  tick(): void {}

  /** Requests of copies have no number: what comes of them is seen in the state. */
  nextRequest(): number {
    return 0;
  }

  submit(_request: number, command: ClusterCommand): void {
    this.#onSubmit(command);
    this.#link.sendProposal(encodeCommand(command));
  }
}
