import type { ShardLinkHandle } from '../../cluster/actor/shard-link.ts';
import type { PartitionGatesHandle } from '../../cluster/partition-gates.ts';
import type { ReplicationOptions } from '../../cluster/replication/replication-options.ts';

/**
 * What a shard's thread is given on a node that is in a cluster. Who the node is, it is told with the first configuration.
 * Its store's memory is parted likewise.
 */
export interface ShardClusterData {
  /** One for all threads of the node. */
  readonly gates: PartitionGatesHandle;
  readonly link: ShardLinkHandle;
  /** Partitions of the cluster. */
  readonly partitions: number;
  /** This shard's: `first` up to `first + count - 1`. */
  readonly first: number;
  readonly count: number;
  readonly replication: ReplicationOptions;
  /** Of one write, as other copies are told of it: less than the largest message of bus and link, by some kilobytes. */
  readonly recordBytesMax: number;
}
