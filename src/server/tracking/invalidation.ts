import { ValueType } from '../../base/view.ts';
import { ReplyWriter } from '../../command/reply.ts';
import { Push } from '../pubsub/push.ts';

const scratch = new ReplyWriter();

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
    if (this.#push !== null) return this.#push;
    scratch.clear();
    scratch.push(2);
    scratch.bulkText('invalidate');
    this.#push = this.#finish();
    return this.#push;
  }

  /** The same as a message of a channel, for RESP2. */
  get message(): Push {
    if (this.#message !== null) return this.#message;
    scratch.clear();
    scratch.push(3);
    scratch.bulkText('message');
    scratch.bulkText('__redis__:invalidate');
    this.#message = this.#finish();
    return this.#message;
  }

  #finish(): Push {
    const key = this.#key;
    if (key === null) {
      scratch.null();
    } else {
      scratch.array(1);
      scratch.bulk(ValueType.string, key, 0, key.length);
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
