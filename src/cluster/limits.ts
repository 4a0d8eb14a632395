/**
 * How much of everything a cluster may have: checked where a value enters, and by whoever reads it from the bus or from
 * a disk. Once for all, since a value that may be written and not be read would stop every node that is told of it.
 */

export const PARTITIONS_MAX = 16_384;
/** More copies than this make every write wait for the slowest of many, and save nothing more. */
export const COPIES_MAX = 7;
/** Of one in-sync set: during a move, the copies at the old places and at the new ones may all be in sync. */
export const MEMBERS_MAX = 2 * COPIES_MAX;

/** Milliseconds. Below the least, heartbeats would be most of what a network carries. */
export const LEASE_MS_MIN = 100;
export const LEASE_MS_MAX = 60_000;

/** Registered at once. */
export const NODES_MAX = 1024;
/** So many removed nodes are remembered. */
export const REMOVED_MAX = 1024;
/** More voters make a group slower without making it safer: further nodes listen only. */
export const VOTERS_MAX = 7;
/** A group may be founded by more than go on voting. */
export const FOUNDERS_MAX = 64;
/** Nodes that were removed may still be in the group for a while. */
export const LEARNERS_MAX = 4 * NODES_MAX;

export const NODE_ID_BYTES_MAX = 64;
/** Of an address, `host:port`: a name of the domain name system has 253 at most. */
export const ADDRESS_BYTES_MAX = 260;
export const ZONE_BYTES_MAX = 64;
/** Only proportions count: a node that is to hold nothing is drained. */
export const WEIGHT_MIN = 1e-6;
export const WEIGHT_MAX = 1e6;
