import { ValueType } from '../../base/view.ts';
import type { Args } from '../../command/args.ts';
import type { SubscriptionsPort } from '../../command/connection.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import type { Channel, ChannelSet } from './channel-set.ts';
import { type Channels, channelBytesMax, patternBytesMax } from './channels.ts';
import type { Message, Subscriber } from './message.ts';
import type { Push, PushTarget } from './push.ts';

/** What one connection is subscribed to of one kind: channels, patterns or shard channels. */
class Subscriptions {
  readonly own = new Set<Channel>();
  /** The commands, as their replies name them. */
  readonly word: string;
  readonly undoWord: string;
  readonly all: ChannelSet;
  readonly nameBytesMax: number;

  constructor(word: string, undoWord: string, all: ChannelSet, nameBytesMax: number) {
    this.word = word;
    this.undoWord = undoWord;
    this.all = all;
    this.nameBytesMax = nameBytesMax;
  }
}

/**
 * What one connection is subscribed to. Messages are pushed behind the reply of the command that subscribed to them:
 * while replies are owed that were asked for before, messages wait for these.
 */
export class ConnectionSubscriptions implements SubscriptionsPort, Subscriber {
  readonly #all: Channels;
  readonly #target: PushTarget;
  readonly #channels: Subscriptions;
  readonly #patterns: Subscriptions;
  readonly #shardChannels: Subscriptions;
  /** Commands taken when the connection subscribed last: the replies of these go out before any message. */
  #subscribedAt = 0;
  /** Messages that wait for replies. */
  #waiting = 0;

  constructor(channels: Channels, target: PushTarget) {
    this.#all = channels;
    this.#target = target;
    this.#channels = new Subscriptions('subscribe', 'unsubscribe', channels.channels, channelBytesMax);
    this.#patterns = new Subscriptions('psubscribe', 'punsubscribe', channels.patterns, patternBytesMax);
    this.#shardChannels = new Subscriptions('ssubscribe', 'sunsubscribe', channels.shardChannels, channelBytesMax);
  }

  get channelCount(): number {
    return this.#channels.own.size;
  }

  get patternCount(): number {
    return this.#patterns.own.size;
  }

  get shardChannelCount(): number {
    return this.#shardChannels.own.size;
  }

  /** Whether there is anything it could receive messages of: in RESP2, few commands are taken then. */
  get isSubscribed(): boolean {
    return this.#channels.own.size > 0 || this.#patterns.own.size > 0 || this.#shardChannels.own.size > 0;
  }

  subscribe(args: Args, reply: ReplyWriter): void {
    this.#subscribe(this.#channels, args, reply);
  }

  psubscribe(args: Args, reply: ReplyWriter): void {
    this.#subscribe(this.#patterns, args, reply);
  }

  ssubscribe(args: Args, reply: ReplyWriter): void {
    this.#subscribe(this.#shardChannels, args, reply);
  }

  unsubscribe(args: Args, reply: ReplyWriter): void {
    this.#unsubscribe(this.#channels, args, reply);
  }

  punsubscribe(args: Args, reply: ReplyWriter): void {
    this.#unsubscribe(this.#patterns, args, reply);
  }

  sunsubscribe(args: Args, reply: ReplyWriter): void {
    this.#unsubscribe(this.#shardChannels, args, reply);
  }

  /** Ends all subscriptions without a word: the connection was reset, or is gone. */
  clear(): void {
    for (const { own, all } of [this.#channels, this.#patterns, this.#shardChannels]) {
      for (const channel of own) all.remove(channel, this);
      own.clear();
    }
  }

  onMessage(message: Message): void {
    const { key } = message;
    // As with commands: a user who may not use a key is told nothing of it, not even its name.
    if (key !== null && this.#target.user?.mayUseKey(key, 0, key.length) !== true) return;
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

  #subscribe(kind: Subscriptions, args: Args, reply: ReplyWriter): void {
    if (!this.#hasRoom(args, kind.nameBytesMax, reply)) return;
    for (let index = 0; index < args.count; index++) {
      const name = args.view(index);
      const added = kind.all.add(name, this);
      if (added !== null) kind.own.add(added);
      confirm(reply, kind.word, name, this.#countWith(kind));
    }
  }

  #unsubscribe(kind: Subscriptions, args: Args, reply: ReplyWriter): void {
    const { own, all, undoWord } = kind;
    if (args.count === 0 && own.size === 0) confirm(reply, undoWord, null, this.#countWith(kind));
    for (const name of namesOf(args, own)) {
      const channel = all.get(name);
      if (channel !== undefined && own.delete(channel)) all.remove(channel, this);
      confirm(reply, undoWord, name, this.#countWith(kind));
    }
  }

  /** What Redis tells behind a name: channels and patterns are counted together, shard channels by themselves. */
  #countWith(kind: Subscriptions): number {
    return kind === this.#shardChannels ? kind.own.size : this.#channels.own.size + this.#patterns.own.size;
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
    const count = this.#channels.own.size + this.#patterns.own.size + this.#shardChannels.own.size;
    if (count + args.count > subscriptionsMax) {
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
