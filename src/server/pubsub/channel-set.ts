import { assert } from '../../base/assert.ts';
import { byteText } from '../../base/byte-text.ts';
import { copyOf } from '../../base/copy-bytes.ts';
import type { Subscriber } from './message.ts';

/** What a subscription takes in memory beside its name: entries of two maps and two sets. Measured, rounded up. */
const SUBSCRIPTION_BYTES = 256;

/** One name with at least one subscriber. */
export interface Channel {
  readonly name: Uint8Array;
  readonly subscribers: Set<Subscriber>;
}

/** Names (of channels, of patterns) and who is subscribed to each. */
export class ChannelSet {
  readonly #channels = new Map<string, Channel>();
  #bytes = 0;
  #nameBytes = 0;

  /** Names that have subscribers. */
  get size(): number {
    return this.#channels.size;
  }

  /** Memory that the subscriptions take, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the names, each counted once. */
  get nameBytes(): number {
    return this.#nameBytes;
  }

  values(): Iterable<Channel> {
    return this.#channels.values();
  }

  get(name: Uint8Array): Channel | undefined {
    return this.#channels.size === 0 ? undefined : this.#channels.get(byteText(name));
  }

  has(name: Uint8Array, subscriber: Subscriber): boolean {
    return this.get(name)?.subscribers.has(subscriber) === true;
  }

  /** The channel the subscriber was added to; null when it was there already. Copies the name. */
  add(name: Uint8Array, subscriber: Subscriber): Channel | null {
    const key = byteText(name);
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      channel = { name: copyOf(name), subscribers: new Set() };
      this.#channels.set(key, channel);
      this.#nameBytes += name.length;
    } else if (channel.subscribers.has(subscriber)) {
      return null;
    }
    channel.subscribers.add(subscriber);
    this.#bytes += bytesOf(name);
    return channel;
  }

  remove(channel: Channel, subscriber: Subscriber): void {
    assert(channel.subscribers.delete(subscriber), 'who leaves a channel was subscribed to it');
    this.#bytes -= bytesOf(channel.name);
    if (channel.subscribers.size > 0) return;
    this.#channels.delete(byteText(channel.name));
    this.#nameBytes -= channel.name.length;
  }
}

function bytesOf(name: Uint8Array): number {
  return name.length + SUBSCRIPTION_BYTES;
}
