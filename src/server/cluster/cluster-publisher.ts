import type { PublisherPort } from '../../command/publisher.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import type { PeerLink } from './peer-link.ts';

/** How long a PUBLISH waits to hear how many received its message elsewhere; who has not answered is not counted. */
const COUNT_MS = 1000;

/** The links that can be used now. */
interface PublishLinks {
  up(): Iterable<Pick<PeerLink, 'publish'>>;
}

/**
 * The channels of all nodes, as commands see them: a message goes to the subscribers of every node that can be reached,
 * shard channels too. What is listed and counted otherwise is that of this node, as in Redis.
 */
export class ClusterPublisher implements PublisherPort {
  readonly #local: PublisherPort;
  readonly #links: PublishLinks;
  readonly #countMs: number;

  constructor(local: PublisherPort, links: PublishLinks, countMs = COUNT_MS) {
    this.#local = local;
    this.#links = links;
    this.#countMs = countMs;
  }

  publish(channel: Uint8Array, payload: Uint8Array): number | Promise<number> {
    return this.#everywhere(this.#local.publish(channel, payload), channel, payload, false);
  }

  publishToShard(channel: Uint8Array, payload: Uint8Array): number | Promise<number> {
    return this.#everywhere(this.#local.publishToShard(channel, payload), channel, payload, true);
  }

  listChannels(pattern: Uint8Array | null, reply: ReplyWriter): void {
    this.#local.listChannels(pattern, reply);
  }

  listShardChannels(pattern: Uint8Array | null, reply: ReplyWriter): void {
    this.#local.listShardChannels(pattern, reply);
  }

  subscriberCount(channel: Uint8Array): number {
    return this.#local.subscriberCount(channel);
  }

  shardSubscriberCount(channel: Uint8Array): number {
    return this.#local.shardSubscriberCount(channel);
  }

  get patternCount(): number {
    return this.#local.patternCount;
  }

  /** Adds to `local`, what was counted here, what is counted elsewhere. A promise only when there are other nodes. */
  #everywhere(
    local: number | Promise<number>,
    channel: Uint8Array,
    payload: Uint8Array,
    isSharded: boolean,
  ): number | Promise<number> {
    let total = typeof local === 'number' ? local : 0;
    // Made first: a link may answer at once that the message cannot be sent.
    const links = [...this.#links.up()];
    if (links.length === 0) return total;
    return new Promise((resolve) => {
      let missing = links.length;
      const timer = setTimeout(() => resolve(total), this.#countMs);
      const onCount = (count: number): void => {
        total += count;
        missing--;
        if (missing > 0) return;
        clearTimeout(timer);
        resolve(total);
      };
      for (const link of links) link.publish(channel, payload, isSharded, onCount);
    });
  }
}
