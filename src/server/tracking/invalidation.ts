import { ValueType } from '../../base/view.ts';
import { ReplyWriter } from '../../command/reply.ts';
import { Push } from '../pubsub/push.ts';

const scratch = new ReplyWriter();

/** Slots from the first up to and with the last. */
export type SlotRange = readonly [first: number, last: number];

/**
 * What tracking connections are told: that a key changed, or (null) that any key may have. One object for all that are
 * told the same.
 */
export class Invalidation {
  readonly #key: Uint8Array | null;
  #push: Push | null = null;
  #message: Push | null = null;

  /** `key` is kept. */
  constructor(key: Uint8Array | null) {
    this.#key = key;
  }

  /** `invalidate [key]`, for connections that take pushes. */
  get push(): Push {
    this.#push ??= this.makePush();
    return this.#push;
  }

  /** The same as a message of a channel, for RESP2. */
  get message(): Push {
    if (this.#message !== null) return this.#message;
    scratch.clear();
    scratch.push(3);
    scratch.bulkText('message');
    scratch.bulkText('__redis__:invalidate');
    this.#writeKey();
    this.#message = new Push(scratch);
    return this.#message;
  }

  protected makePush(): Push {
    scratch.clear();
    scratch.push(2);
    scratch.bulkText('invalidate');
    this.#writeKey();
    return new Push(scratch);
  }

  #writeKey(): void {
    const key = this.#key;
    if (key === null) {
      scratch.null();
    } else {
      scratch.array(1);
      scratch.bulk(ValueType.string, key, 0, key.length);
    }
  }
}

/** `invalidate-tags [tag, …]`: entries that bear one of the tags are no longer valid. For connections with SCOPED. */
export class TagInvalidation extends Invalidation {
  readonly #tags: readonly Uint8Array[];

  /** `tags` are kept. */
  constructor(tags: readonly Uint8Array[]) {
    super(null);
    this.#tags = tags;
  }

  protected override makePush(): Push {
    scratch.clear();
    scratch.push(2);
    scratch.bulkText('invalidate-tags');
    scratch.array(this.#tags.length);
    for (const tag of this.#tags) scratch.bulk(ValueType.string, tag, 0, tag.length);
    return new Push(scratch);
  }
}

/**
 * `invalidate-slots [[first, last], …]`: this node has begun or ceased to serve keys of these slots, whose changes it may
 * not have told. For connections with SCOPED.
 */
export class SlotInvalidation extends Invalidation {
  readonly #ranges: readonly SlotRange[];

  constructor(ranges: readonly SlotRange[]) {
    super(null);
    this.#ranges = ranges;
  }

  protected override makePush(): Push {
    scratch.clear();
    scratch.push(2);
    scratch.bulkText('invalidate-slots');
    scratch.array(this.#ranges.length);
    for (const [first, last] of this.#ranges) {
      scratch.array(2);
      scratch.integer(first);
      scratch.integer(last);
    }
    return new Push(scratch);
  }
}

/** Tells a connection that the one its invalidations are redirected to is gone. */
export function brokenRedirection(id: number): Push {
  scratch.clear();
  scratch.push(2);
  scratch.bulkText('tracking-redir-broken');
  scratch.integer(id);
  return new Push(scratch);
}
