import type { RaftMessage } from './consensus/raft-types.ts';
import type { ClusterCommand } from './controller/cluster-command.ts';
import type { CoordinatorAnswer } from './coordinator.ts';
import type { NodeId } from './identity.ts';
import type { ReplicationMessage } from './replication/replication-message.ts';

/** Everything that nodes of a cluster send each other. */
export type ClusterMessage =
  | { readonly kind: 'raft'; readonly message: RaftMessage }
  | { readonly kind: 'replication'; readonly message: ReplicationMessage }
  | CoordinatorMessage;

/** Between a node and the leader of the consensus group, who is the controller. */
export type CoordinatorMessage =
  | { readonly kind: 'request'; readonly request: number; readonly command: ClusterCommand }
  | { readonly kind: 'answer'; readonly request: number; readonly answer: CoordinatorAnswer }
  /**
   * Alive. `sentAtMs` is the sender's clock and comes back to it alone. A node that is heard of and never has a lease
   * hears nothing, and is fenced all the same.
   */
  | { readonly kind: 'heartbeat'; readonly boot: number; readonly sentAtMs: number; readonly hasLease: boolean }
  /** Renews the lease up to `sentAtMs` + its length, from the moment when the receiver has applied `index`. */
  | { readonly kind: 'heartbeat-ok'; readonly boot: number; readonly sentAtMs: number; readonly index: number }
  /** The receiver of a request or a heartbeat does not lead. */
  | { readonly kind: 'not-leader'; readonly leader: NodeId | null };
