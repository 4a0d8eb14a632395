import { ValueType } from '../../base/view.ts';
import { ReplyWriter } from '../../command/reply.ts';
import { Push } from './push.ts';

const scratch = new ReplyWriter();

/** A message as its receivers see it: one object for all that are subscribed to the same name or pattern. */
export class Message {
  /** Valid during the call that hands the message over. */
  readonly channel: Uint8Array;
  readonly payload: Uint8Array;
  /** The pattern by which it is received; null for those who are subscribed to the channel itself. */
  readonly pattern: Uint8Array | null;
  readonly isSharded: boolean;
  /** The key it tells of, for those only who may use that key; null: for everybody. */
  readonly key: Uint8Array | null;
  #push: Push | null = null;

  constructor(
    channel: Uint8Array,
    payload: Uint8Array,
    pattern: Uint8Array | null,
    isSharded: boolean,
    key: Uint8Array | null = null,
  ) {
    this.channel = channel;
    this.payload = payload;
    this.pattern = pattern;
    this.isSharded = isSharded;
    this.key = key;
  }

  /** What protocols send of it; to be asked for the first time during the call only, and good for ever then. */
  get push(): Push {
    this.#push ??= this.#build();
    return this.#push;
  }

  #build(): Push {
    const { channel, payload, pattern } = this;
    scratch.clear();
    scratch.push(pattern === null ? 3 : 4);
    if (pattern !== null) {
      scratch.bulkText('pmessage');
      scratch.bulk(ValueType.string, pattern, 0, pattern.length);
    } else {
      scratch.bulkText(this.isSharded ? 'smessage' : 'message');
    }
    scratch.bulk(ValueType.string, channel, 0, channel.length);
    scratch.bulk(ValueType.string, payload, 0, payload.length);
    return new Push(scratch);
  }
}

/** Whoever is subscribed to something. */
export interface Subscriber {
  onMessage(message: Message): void;
}
