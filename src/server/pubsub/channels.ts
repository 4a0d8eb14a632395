import { ValueType } from '../../base/view.ts';
import { globMatches } from '../../command/glob.ts';
import type { PublisherPort } from '../../command/publisher.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import { type Channel, ChannelSet } from './channel-set.ts';
import { Message } from './message.ts';
import { isCostly, PatternSet } from './pattern-set.ts';

/** What subscriptions may use up. */
export interface ChannelLimits {
  /** Channels and patterns one connection may be subscribed to. */
  readonly subscriptionsMax: number;
  /** Memory of the subscriptions of all connections. */
  readonly subscriptionBytesMax: number;
}

/** Longest pattern: matching takes time by the product of the lengths of pattern and name. */
export const patternBytesMax = 1024;
/** Longest name of a channel: that of a key, and what keyspace notifications put in front of it. */
export const channelBytesMax = 64 * 1024 + 64;
/** Steps that matching one name with all patterns may take at most; a name so long that it might is not matched. */
const matchStepsMax = 100_000_000;

/** All channels of a node, the patterns, and the shard channels, which are a space of names of their own. */
export class Channels implements PublisherPort {
  readonly limits: ChannelLimits;
  readonly channels = new ChannelSet();
  readonly patterns = new PatternSet();
  readonly shardChannels = new ChannelSet();

  constructor(limits: ChannelLimits) {
    this.limits = limits;
  }

  get channelCount(): number {
    return this.channels.size;
  }

  get patternCount(): number {
    return this.patterns.size;
  }

  get shardChannelCount(): number {
    return this.shardChannels.size;
  }

  /** Memory that all subscriptions take, about. */
  get bytes(): number {
    return this.channels.bytes + this.patterns.bytes + this.shardChannels.bytes;
  }

  /**
   * First to those who named the channel, then pattern by pattern; in each, in the order they subscribed in. What tells
   * of a `key` is only for those who may use it.
   */
  publish(channel: Uint8Array, payload: Uint8Array, key: Uint8Array | null = null): number {
    const count = deliver(this.channels.get(channel), channel, payload, null, false, key);
    return this.patterns.size === 0 ? count : count + this.#publishByPattern(channel, payload, key);
  }

  publishToShard(channel: Uint8Array, payload: Uint8Array): number {
    return deliver(this.shardChannels.get(channel), channel, payload, null, true);
  }

  listChannels(pattern: Uint8Array | null, reply: ReplyWriter): void {
    list(this.channels, pattern, reply);
  }

  listShardChannels(pattern: Uint8Array | null, reply: ReplyWriter): void {
    list(this.shardChannels, pattern, reply);
  }

  subscriberCount(channel: Uint8Array): number {
    return this.channels.get(channel)?.subscribers.size ?? 0;
  }

  shardSubscriberCount(channel: Uint8Array): number {
    return this.shardChannels.get(channel)?.subscribers.size ?? 0;
  }

  /** Nobody is subscribed to any channel or pattern, shard channels left out. */
  get isIdle(): boolean {
    return this.channels.size === 0 && this.patterns.size === 0;
  }

  #publishByPattern(channel: Uint8Array, payload: Uint8Array, key: Uint8Array | null): number {
    // No message of a sane name is lost by this: with a name of 100 bytes it takes 1 MB of costly patterns.
    const skipsCostly = this.patterns.costlyBytes * channel.length > matchStepsMax;
    let count = 0;
    for (const pattern of this.patterns.values()) {
      if (skipsCostly && isCostly(pattern.name)) continue;
      if (!matches(pattern.name, channel)) continue;
      count += deliver(pattern, channel, payload, pattern.name, false, key);
    }
    return count;
  }
}

function deliver(
  to: Channel | undefined,
  channel: Uint8Array,
  payload: Uint8Array,
  pattern: Uint8Array | null,
  isSharded: boolean,
  key: Uint8Array | null = null,
): number {
  if (to === undefined) return 0;
  const count = to.subscribers.size;
  const message = new Message(channel, payload, pattern, isSharded, key);
  for (const subscriber of to.subscribers) subscriber.onMessage(message);
  return count;
}

function list(channels: ChannelSet, pattern: Uint8Array | null, reply: ReplyWriter): void {
  if (pattern !== null && isCostly(pattern) && pattern.length * channels.nameBytes > matchStepsMax) {
    reply.error('request-too-large', 'to match so many names with so long a pattern would take too long');
    return;
  }
  const mark = reply.beginArray();
  let count = 0;
  for (const { name } of channels.values()) {
    if (pattern !== null && !matches(pattern, name)) continue;
    reply.bulk(ValueType.string, name, 0, name.length);
    count++;
  }
  reply.endArray(mark, count);
}

/** As Redis has it: a name without any byte is matched by none but the empty pattern. */
function matches(pattern: Uint8Array, name: Uint8Array): boolean {
  return name.length === 0 ? pattern.length === 0 : globMatches(pattern, name, 0, name.length);
}
