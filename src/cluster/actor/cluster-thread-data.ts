import type { DoorbellHandle } from '../../mailbox/doorbell.ts';
import type { BusTls } from '../bus/bus-options.ts';
import type { ClusterCommand } from '../controller/cluster-command.ts';
import type { ClusterSettings, NodeEndpoints } from '../controller/cluster-state.ts';
import type { CoordinatorAnswer } from '../coordinator.ts';
import type { Claim } from '../identity.ts';
import type { PartitionGatesHandle } from '../partition-gates.ts';
import type { ClusterStatus } from './cluster-view.ts';
import type { ShardLinkHandle } from './shard-link.ts';

/** Where the bus listens, whom it looks for, and what it says of itself. */
export interface BusSettings {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly secret: string;
  /** `HOST[:PORT]` or `srv:NAME`. */
  readonly seeds: readonly string[];
  /** Of seeds that name none. */
  readonly defaultPort: number;
  /** `HOST[:PORT]` at which others reach it; '': found out. */
  readonly announced: string;
  /** Of the largest replication message. */
  readonly messageBytesMax: number;
  /** As texts: threads hand over no buffers of Node.js. */
  readonly tls: (BusTls & { readonly ca: string; readonly cert: string; readonly key: string }) | null;
}

export interface ClusterActorSettings {
  readonly dataDir: string;
  /** What a new node is called, beside random digits. */
  readonly nodeName: string;
  readonly bus: BusSettings;
  /** How many nodes found the cluster together; 0: this one only joins one. */
  readonly bootstrapExpect: number;
  /** What founders create the cluster with. Its partitions are those that this node is made for, in any case. */
  readonly settings: ClusterSettings;
  readonly weight: number;
  readonly zone: string | null;
}

/**
 * What is confirmed outlives the end of the process when it was handed to the system before, and that of the machine when it
 * was on the disk.
 */
export type Outlives = 'nothing' | 'process' | 'machine';

/** What a node has on its disk of the copies of its earlier starts. */
export interface KeptOnDisk {
  readonly claims: readonly Claim[];
  /** What all that this start confirms outlives. */
  readonly outlives: Outlives;
}

/** All that the cluster actor's thread is given. */
export interface ClusterThreadData extends ClusterActorSettings {
  /** `:PORT` without a host: the one at which others see this node. */
  readonly endpoints: NodeEndpoints;
  /** Null: nothing is kept on the disk. */
  readonly kept: KeptOnDisk | null;
  readonly gates: PartitionGatesHandle;
  /** One for each shard. */
  readonly links: readonly ShardLinkHandle[];
  /** The actor's own. */
  readonly bell: DoorbellHandle;
  readonly shardOfPartition: readonly number[];
}

/** What the main thread tells the actor. */
export type ToClusterThread =
  | { readonly kind: 'submit'; readonly request: number; readonly command: ClusterCommand }
  /** Primaries and leadership are to go elsewhere; answered by `handed-over`, after `deadlineMs` at the latest. */
  | { readonly kind: 'hand-over'; readonly deadlineMs: number }
  /** To leave, and end. */
  | { readonly kind: 'stop'; readonly deadlineMs: number }
  | { readonly kind: 'tls'; readonly tls: NonNullable<BusSettings['tls']> };

/** What it answers. */
export type FromClusterThread =
  | { readonly kind: 'listening'; readonly boot: number; readonly port: number }
  /** This node has become one of a cluster. */
  | { readonly kind: 'member'; readonly clusterId: string }
  /** As `encodeStateDelta` writes it, from the one before; the first from nothing. Since then, by the Unix epoch. */
  | { readonly kind: 'state'; readonly change: Uint8Array; readonly atMs: number }
  | { readonly kind: 'answered'; readonly request: number; readonly answer: CoordinatorAnswer }
  | { readonly kind: 'status'; readonly status: ClusterStatus }
  | { readonly kind: 'handed-over'; readonly primariesLeft: number }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly fields: object; readonly message: string }
  /** The node cannot go on: a disk that refuses, another cluster than it was made for, it was removed. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'stopped' };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
