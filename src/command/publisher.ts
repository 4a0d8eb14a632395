import type { ReplyWriter } from './reply.ts';

/** The channels of a node, as commands see them. Names and payloads are any bytes. */
export interface PublisherPort {
  /**
   * Sends a message to all who are subscribed to the channel, or to a pattern it matches; returns how many. In a cluster
   * those of all nodes: then a promise, which never rejects.
   */
  publish(channel: Uint8Array, payload: Uint8Array): number | Promise<number>;
  /** As `publish`, among shard channels, which are names of their own and have no patterns. */
  publishToShard(channel: Uint8Array, payload: Uint8Array): number | Promise<number>;
  /** Writes an array of the names of channels that have subscribers; of those that match when a pattern is given. */
  listChannels(pattern: Uint8Array | null, reply: ReplyWriter): void;
  listShardChannels(pattern: Uint8Array | null, reply: ReplyWriter): void;
  /** How many are subscribed to the channel by its name. */
  subscriberCount(channel: Uint8Array): number;
  shardSubscriberCount(channel: Uint8Array): number;
  /** Patterns that anybody is subscribed to, each counted once. */
  readonly patternCount: number;
}

/** A node without channels, such as one that is put together for a test. */
export const noPublisher: PublisherPort = {
  publish: () => 0,
  publishToShard: () => 0,
  listChannels: (_pattern, reply) => reply.array(0),
  listShardChannels: (_pattern, reply) => reply.array(0),
  subscriberCount: () => 0,
  shardSubscriberCount: () => 0,
  patternCount: 0,
};
