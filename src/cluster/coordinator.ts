import type { ClusterCommand } from './controller/cluster-command.ts';
import type { ClusterState } from './controller/cluster-state.ts';
import type { Lease } from './replication/replication-host.ts';

/**
 * Whoever keeps the {@link ClusterState} and decides who is alive, as the data path sees it. The built-in one is a
 * Raft group over the nodes themselves (`raft-coordinator.ts`); a service outside can take its place.
 *
 * Its promises: all nodes see the same states in the same order; a command is applied whole or refused; and a node
 * whose {@link lease} holds has seen every state in which it could have lost a partition it was primary of.
 */
export interface Coordinator {
  readonly state: ClusterState;
  readonly lease: Lease;
  /** When `tick` is next due, on the node's monotonic clock in milliseconds. */
  readonly wakeAtMs: number;
  tick(nowMs: number): void;
  /** A number for {@link submit} that no earlier request of this node bears. */
  nextRequest(): number;
  /**
   * Asks for a change. `CoordinatorHost.answered` says what came of it, or that nobody knows (after
   * `requestTimeoutMs`): then it may still happen.
   */
  submit(request: number, command: ClusterCommand, nowMs: number): void;
}

export interface CoordinatorHost {
  /** `Coordinator.state` is another one now. */
  configured(nowMs: number): void;
  answered(request: number, answer: CoordinatorAnswer, nowMs: number): void;
}

export type CoordinatorAnswer =
  | { readonly type: 'applied'; readonly index: number }
  /**
   * It was not done. Retryable: only for now, as while the controller is changing. For good: whoever asked to be taken in
   * can never be of this cluster as it is.
   */
  | {
      readonly type: 'refused';
      readonly reason: string;
      readonly isRetryable: boolean;
      readonly isForGood?: true;
    }
  | { readonly type: 'unknown' };
