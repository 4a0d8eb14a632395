import type { ErrorCode } from '../base/errors.ts';

/** The cluster this node is one of. A node by itself is told as a cluster of one, which owns every slot. */
export interface ClusterPort {
  /** False: this node is by itself. */
  readonly isEnabled: boolean;
  /** What is known of nodes and slots now: the same object as before where nothing of it has changed. */
  describe(): ClusterDescription;
  /** Copies beside the primary that have every acknowledged write: of the partition with the fewest. */
  readonly copiesInSync: number;
  /**
   * Resolves to `copiesInSync` once it is `count` or more, `timeoutMs` (0: never) have passed, or `isWanted` answers
   * false, which is asked now and then.
   */
  whenInSync(count: number, timeoutMs: number, isWanted: () => boolean): Promise<number>;
  /** All there is to tell, as JSON text; with an entry for each partition when asked for. */
  report(withPartitions: boolean): string;
  /**
   * Has the cluster do what an administrator asks for, and resolves once it is decided, not once it is done; never
   * rejects. `fields` is what was given as the JSON text of an object.
   */
  control(verb: string, fields: string): Promise<ClusterAnswer>;
  /** Of a node that is primary of nothing: has the one whose copies it holds give its primaries away. */
  takeOver(): Promise<ClusterAnswer>;
  /** Removes a node, by its id: at once when it has no copies, else when it is drained. */
  forget(id: string): Promise<ClusterAnswer>;
}

export type ClusterAnswer =
  | { readonly type: 'done'; readonly result: 'applied' | 'accepted' | 'unchanged'; readonly message: string }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly message: string };

export interface ClusterDescription {
  /** This node; before the cluster has taken it in, too. */
  readonly self: ClusterMember;
  /** All that are known, this one included, by their ids. */
  readonly members: readonly ClusterMember[];
  /** Runs of slots with the same copies, in the order of slots; all slots once there is a cluster. */
  readonly ranges: readonly SlotRange[];
  /** This node may serve, and somebody serves every slot. */
  readonly isOk: boolean;
  /** The highest of any partition. */
  readonly epoch: number;
  readonly links: readonly ClusterLink[];
}

export interface ClusterMember {
  /** 40 hexadecimal digits. */
  readonly id: string;
  /** Its name in the cluster; '' outside of one. */
  readonly name: string;
  /** Where clients reach it; '' of this node: where the client that asks has reached it. '' and 0 of others: not known. */
  readonly host: string;
  readonly port: number;
  readonly busPort: number;
  readonly isSelf: boolean;
  /** Taken for dead. */
  readonly isFailing: boolean;
  readonly isConnected: boolean;
  /** The highest of the partitions it is primary of. */
  readonly epoch: number;
  /** Numbers of the ranges it is primary of. */
  readonly slots: readonly SlotRun[];
  /** Of a node that is primary of nothing: the one of whose partitions it holds the most copies. */
  readonly primary: string | null;
  /** In-sync copies that it holds beside those it is primary of. */
  readonly copyCount: number;
}

/** Both included. */
export type SlotRun = readonly [first: number, last: number];

export interface SlotRange {
  readonly first: number;
  readonly last: number;
  /** Null: nobody serves these slots now. */
  readonly primary: ClusterMember | null;
  /** In sync, and alive. */
  readonly replicas: readonly ClusterMember[];
}

/** A connection to another node. */
export interface ClusterLink {
  /** Its id. */
  readonly id: string;
  readonly connectedAtMs: number;
  readonly sentMessages: number;
  readonly receivedMessages: number;
  readonly droppedMessages: number;
  readonly queuedBytes: number;
}

const lastSlot = 16_383;
const aloneAnswer: ClusterAnswer = {
  type: 'refused',
  code: 'bad-request',
  message: 'This instance has cluster support disabled',
};

/** A node that is in no cluster. The functions are asked each time: a port may be chosen after this is made. */
export function loneCluster(nodeId: string, host: string, port: () => number, busPort: () => number): ClusterPort {
  const describe = (): ClusterDescription => {
    const self: ClusterMember = {
      id: nodeId,
      name: '',
      host,
      port: port(),
      busPort: busPort(),
      isSelf: true,
      isFailing: false,
      isConnected: true,
      epoch: 1,
      slots: [[0, lastSlot]],
      primary: null,
      copyCount: 0,
    };
    const ranges = [{ first: 0, last: lastSlot, primary: self, replicas: [] }];
    return { self, members: [self], ranges, isOk: true, epoch: 1, links: [] };
  };
  return {
    isEnabled: false,
    describe,
    copiesInSync: 0,
    whenInSync: () => Promise.resolve(0),
    report: () => JSON.stringify({ clusterId: '', self: null, nodes: [] }),
    control: () => Promise.resolve(aloneAnswer),
    takeOver: () => Promise.resolve(aloneAnswer),
    forget: () => Promise.resolve(aloneAnswer),
  };
}
