import type { Claim, Member, NodeId } from '../identity.ts';
import type { ClusterSettings, NodeEndpoints } from './cluster-state.ts';

/** What can be done to the {@link ClusterState}: the payloads of the consensus log. */
export type ClusterCommand =
  /** Creates the cluster's partitions, offline and empty. Refused when it exists. */
  | { readonly type: 'create'; readonly settings: ClusterSettings }
  /**
   * A node has started (or where it is reached, its weight or zone changed). A new boot is another incarnation: all copies of
   * the earlier ones leave every in-sync set, but those that it goes on with. Refused for a boot lower than the registered one. Registered again
   * with the same boot, a fenced node is no longer fenced. `partitions`: how many the node is made for, null where it takes
   * any number; refused when the cluster has another. `claims`: copies of the start before that this one goes on with,
   * one a partition at most; absent where there are none, as of every node that keeps nothing on a disk.
   */
  | {
      readonly type: 'register';
      readonly node: NodeId;
      readonly boot: number;
      readonly address: string;
      readonly endpoints: NodeEndpoints;
      readonly weight: number;
      readonly zone: string | null;
      readonly partitions: number | null;
      readonly claims?: readonly Claim[];
    }
  /** The node was not heard of for a lease and more. Its primaries go to other in-sync members. */
  | { readonly type: 'fence'; readonly node: NodeId; readonly boot: number }
  | { readonly type: 'unfence'; readonly node: NodeId; readonly boot: number }
  /** Compare-and-set by the partition's primary. Also with an unchanged set, which only raises the version. */
  | {
      readonly type: 'alter-in-sync';
      readonly partition: number;
      readonly by: Member;
      readonly epoch: number;
      readonly version: number;
      readonly members: readonly Member[];
    }
  /** The primary, which has stopped and has nothing uncommitted, names its successor and stays in sync. */
  | {
      readonly type: 'hand-over';
      readonly partition: number;
      readonly by: Member;
      readonly epoch: number;
      readonly version: number;
      readonly to: NodeId;
    }
  /**
   * A node lost this copy, and those of lower generations, without a restart: it leaves the in-sync set, and every
   * change under way is refused. `epoch` is the newest the copy had seen when it was lost: a command that comes late
   * or twice does not concern a copy that began empty (as `FRESH`) in a later one.
   */
  | { readonly type: 'lose'; readonly partition: number; readonly epoch: number; readonly member: Member }
  /** Where copies should be from now on: steps of a plan. */
  | { readonly type: 'place'; readonly moves: readonly { partition: number; version: number; replicas: NodeId[] }[] }
  /**
   * The node is to have no copies, or may have some again. `leaves`: it is then removed, when it is empty. Of this start of
   * the node: asked for twice, it does not concern one that came back.
   */
  | {
      readonly type: 'drain';
      readonly node: NodeId;
      readonly boot: number;
      readonly isDraining: boolean;
      readonly leaves: boolean;
    }
  /** Refused while a copy is placed on the node or is in sync on it. */
  | { readonly type: 'remove'; readonly node: NodeId }
  /**
   * An offline partition without in-sync copies begins empty: an administrator's decision. With `givesUp` also one
   * whose last in-sync copy is on a fenced node, which might come back with it: that counts as a loss. Compare-and-set, so that asked for
   * twice it does not give up the next copy as well.
   */
  | { readonly type: 'reset'; readonly partition: number; readonly version: number; readonly givesUp: boolean }
  | {
      readonly type: 'set-settings';
      readonly copies: number;
      readonly minInSync: number;
      readonly onLoss: 'offline' | 'reset';
    }
  /**
   * A node ends in order, to come back later: its primaries are to go elsewhere, its copies stay placed. `isOver`: it
   * has ended, and whatever becomes of it, this start holds no lease: it is fenced at once, for good. Of this start:
   * the next one's registration makes it run again.
   */
  | { readonly type: 'stop'; readonly node: NodeId; readonly boot: number; readonly isOver: boolean }
  /** A node that was about to end goes on instead. Refused once it has ended. */
  | { readonly type: 'resume'; readonly node: NodeId; readonly boot: number };
