import { ValueType } from '../../base/view.ts';
import type { Args } from '../../command/args.ts';
import type { SubscriptionsPort } from '../../command/connection.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import type { Channel } from './channel-set.ts';
import { type Channels, channelBytesMax, patternBytesMax } from './channels.ts';
import type { Message, Subscriber } from './message.ts';
import type { Push, PushTarget } from './push.ts';

/**
 * What one connection is subscribed to. Messages are pushed behind the reply of the command that subscribed to them:
 * while replies are owed that were asked for before, messages wait for these.
 */
export class ConnectionSubscriptions implements SubscriptionsPort, Subscriber {
  readonly #all: Channels;
  readonly #target: PushTarget;
  readonly #channels = new Set<Channel>();
  readonly #patterns = new Set<Channel>();
  readonly #shardChannels = new Set<Channel>();
  /** Commands taken when the connection subscribed last: the replies of these go out before any message. */
  #subscribedAt = 0;
  /** Messages that wait for replies. */
  #waiting = 0;

  constructor(channels: Channels, target: PushTarget) {
    this.#all = channels;
    this.#target = target;
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  get patternCount(): number {
    return this.#patterns.size;
  }

  get shardChannelCount(): number {
    return this.#shardChannels.size;
  }

  /** Whether there is anything it could receive messages of: in RESP2, few commands are taken then. */
  get isSubscribed(): boolean {
    return this.#channels.size > 0 || this.#patterns.size > 0 || this.#shardChannels.size > 0;
  }

  subscribe(args: Args, reply: ReplyWriter): void {
    if (!this.#hasRoom(args, channelBytesMax, reply)) return;
    for (let index = 0; index < args.count; index++) {
      const name = args.view(index);
      const added = this.#all.channels.add(name, this);
      if (added !== null) this.#channels.add(added);
      confirm(reply, 'subscribe', name, this.#count);
    }
  }

  psubscribe(args: Args, reply: ReplyWriter): void {
    if (!this.#hasRoom(args, patternBytesMax, reply)) return;
    for (let index = 0; index < args.count; index++) {
      const pattern = args.view(index);
      const added = this.#all.addPattern(pattern, this);
      if (added !== null) this.#patterns.add(added);
      confirm(reply, 'psubscribe', pattern, this.#count);
    }
  }

  ssubscribe(args: Args, reply: ReplyWriter): void {
    if (!this.#hasRoom(args, channelBytesMax, reply)) return;
    for (let index = 0; index < args.count; index++) {
      const name = args.view(index);
      const added = this.#all.shardChannels.add(name, this);
      if (added !== null) this.#shardChannels.add(added);
      confirm(reply, 'ssubscribe', name, this.#shardChannels.size);
    }
  }

  unsubscribe(args: Args, reply: ReplyWriter): void {
    if (args.count === 0 && this.#channels.size === 0) confirm(reply, 'unsubscribe', null, this.#count);
    for (const name of namesOf(args, this.#channels)) {
      const channel = this.#all.channels.get(name);
      if (channel !== undefined && this.#channels.delete(channel)) this.#all.channels.remove(channel, this);
      confirm(reply, 'unsubscribe', name, this.#count);
    }
  }

  punsubscribe(args: Args, reply: ReplyWriter): void {
    if (args.count === 0 && this.#patterns.size === 0) confirm(reply, 'punsubscribe', null, this.#count);
    for (const name of namesOf(args, this.#patterns)) {
      const pattern = this.#all.patterns.get(name);
      if (pattern !== undefined && this.#patterns.delete(pattern)) this.#all.removePattern(pattern, this);
      confirm(reply, 'punsubscribe', name, this.#count);
    }
  }

  sunsubscribe(args: Args, reply: ReplyWriter): void {
    if (args.count === 0 && this.#shardChannels.size === 0)
      confirm(reply, 'sunsubscribe', null, this.#shardChannels.size);
    for (const name of namesOf(args, this.#shardChannels)) {
      const channel = this.#all.shardChannels.get(name);
      if (channel !== undefined && this.#shardChannels.delete(channel)) this.#all.shardChannels.remove(channel, this);
      confirm(reply, 'sunsubscribe', name, this.#shardChannels.size);
    }
  }

  /** Ends all subscriptions without a word: the connection was reset, or is gone. */
  clear(): void {
    for (const channel of this.#channels) this.#all.channels.remove(channel, this);
    for (const pattern of this.#patterns) this.#all.removePattern(pattern, this);
    for (const channel of this.#shardChannels) this.#all.shardChannels.remove(channel, this);
    this.#channels.clear();
    this.#patterns.clear();
    this.#shardChannels.clear();
  }

  onMessage(message: Message): void {
    this.push(message.push);
  }

  /** Sends a push in the order of the messages. */
  push(push: Push): void {
    const target = this.#target;
    if (this.#waiting === 0 && target.answered >= this.#subscribedAt) {
      target.send(push);
      return;
    }
    this.#waiting++;
    target.whenAnswered(() => {
      this.#waiting--;
      target.send(push);
    });
  }

  get #count(): number {
    return this.#channels.size + this.#patterns.size;
  }

  /** False, with the error written, when the names are too long or too many. */
  #hasRoom(args: Args, nameBytesMax: number, reply: ReplyWriter): boolean {
    const { subscriptionsMax, subscriptionBytesMax } = this.#all.limits;
    for (let index = 0; index < args.count; index++) {
      if (args.byteLength(index) <= nameBytesMax) continue;
      const text = `a name is too long: ${args.byteLength(index)} bytes, the limit is ${nameBytesMax}`;
      reply.error('invalid-argument', text);
      return false;
    }
    if (this.#count + this.#shardChannels.size + args.count > subscriptionsMax) {
      const text = `too many subscriptions on one connection, the limit is ${subscriptionsMax}`;
      reply.error('too-many-requests', text);
      return false;
    }
    if (this.#all.bytes >= subscriptionBytesMax) {
      reply.error('too-many-requests', 'the subscriptions of all connections use up the memory they may take');
      return false;
    }
    this.#subscribedAt = this.#target.taken;
    return true;
  }
}

/** The names that are given, or all that the connection has. */
function* namesOf(args: Args, channels: ReadonlySet<Channel>): Iterable<Uint8Array> {
  for (let index = 0; index < args.count; index++) yield args.view(index);
  if (args.count === 0) for (const { name } of [...channels]) yield name;
}

/** One part of the reply: what was done, to which name, and how many there are now. */
function confirm(reply: ReplyWriter, what: string, name: Uint8Array | null, count: number): void {
  reply.push(3);
  reply.bulkText(what);
  if (name === null) reply.null();
  else reply.bulk(ValueType.string, name, 0, name.length);
  reply.integer(count);
}
