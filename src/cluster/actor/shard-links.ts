import { type ClusterState, emptyClusterState } from '../controller/cluster-state.ts';
import { encodeStateDelta } from '../controller/state-delta-codec.ts';
import type { NodeId } from '../identity.ts';
import type { CopyStatus } from './cluster-view.ts';
import { decodeCopyStatus } from './copy-status-codec.ts';
import { ActorLink, LinkKind, type ShardLinkHandle } from './shard-link.ts';

export interface ShardLinksHost {
  /** `bytes[start..end)` is an encoded replication message; valid during the call. */
  replication(to: NodeId, bytes: Uint8Array, start: number, end: number): void;
  /** An encoded command to be asked for; valid during the call. */
  proposal(command: Uint8Array): void;
}

/** Taken from one shard before the others have their turn. */
const MESSAGES_AT_ONCE_MAX = 512;

/** The shards of this node, as the cluster actor deals with them. */
export class ShardLinks {
  readonly #links: readonly ActorLink[];
  readonly #copies: (readonly CopyStatus[])[];
  readonly #shardOfPartition: readonly number[];
  readonly #host: ShardLinksHost;
  #identity: { readonly node: NodeId; readonly boot: number } | null = null;
  #state: ClusterState = emptyClusterState;

  constructor(handles: readonly ShardLinkHandle[], shardOfPartition: readonly number[], host: ShardLinksHost) {
    this.#links = handles.map((handle) => new ActorLink(handle));
    this.#copies = handles.map(() => []);
    this.#shardOfPartition = shardOfPartition;
    this.#host = host;
  }

  /** What the shards told last of their copies. */
  get copies(): CopyStatus[] {
    return this.#copies.flat();
  }

  /** Stands for the change that the shards are sent next. */
  get nextChange(): readonly number[] {
    return this.#links.map((link) => link.nextNumber);
  }

  /** Whether every shard has taken in that change, and so all before it. */
  haveTaken(change: readonly number[]): boolean {
    return this.#links.every((link, shard) => link.hasTaken(change[shard] as number));
  }

  /** The node is part of a cluster: shards are told from now on. */
  begin(node: NodeId, boot: number): void {
    this.#identity = { node, boot };
  }

  /** `change` leads from the last state to this one. */
  configure(state: ClusterState, change: Uint8Array): void {
    this.#state = state;
    for (const link of this.#links) if (!link.needsFull) link.sendChange(change);
    this.#completeStarted();
  }

  /** `bytes` are a whole message. Thrown away when its shard does not keep up, or the partition is none of this node's. */
  receive(from: NodeId, partition: number, bytes: Uint8Array): void {
    const link = this.#links[this.#shardOfPartition[partition] ?? -1];
    link?.sendReplication(from, bytes, 0, bytes.length);
  }

  flush(): void {
    for (const link of this.#links) link.flush();
  }

  /** Hands over what the shards sent. Answers whether there was anything, and whether there may be more. */
  drain(): { readonly hadAny: boolean; readonly hasMore: boolean } {
    this.#completeStarted();
    let hadAny = false;
    let hasMore = false;
    for (const [shard, link] of this.#links.entries()) {
      let count = 0;
      while (count < MESSAGES_AT_ONCE_MAX && link.next()) {
        count++;
        this.#take(shard, link);
      }
      link.release();
      hadAny ||= count > 0;
      hasMore ||= count === MESSAGES_AT_ONCE_MAX;
    }
    return { hadAny, hasMore };
  }

  hasWork(): boolean {
    return this.#links.some((link) => link.hasMore() || (this.#identity !== null && link.needsFull));
  }

  /** A shard that was started knows nothing. */
  #completeStarted(): void {
    if (this.#identity === null) return;
    for (const [shard, link] of this.#links.entries()) {
      if (!link.needsFull) continue;
      this.#copies[shard] = [];
      link.sendFull(this.#identity, encodeStateDelta(null, this.#state));
      link.flush();
    }
  }

  #take(shard: number, link: ActorLink): void {
    const { bytes, offset, length } = link;
    switch (link.kind) {
      case LinkKind.replication:
        this.#host.replication(link.node, bytes, offset, offset + length);
        return;
      case LinkKind.proposal:
        this.#host.proposal(bytes.subarray(offset, offset + length));
        return;
      case LinkKind.status:
        this.#copies[shard] = decodeCopyStatus(bytes.subarray(offset, offset + length));
        return;
      default:
      // Configurations go the other way.
    }
  }
}
