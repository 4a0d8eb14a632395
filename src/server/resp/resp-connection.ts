import type { OrderedSession } from '../dispatch/ordered-session.ts';
import type { PushFormat } from '../pubsub/push.ts';
import type { SessionConnection } from '../session/session.ts';
import { SessionState } from '../session/session-state.ts';
import { pushFormats } from './push-formats.ts';
import type { ReplyOrder } from './reply-order.ts';
import type { RespNode } from './resp-node.ts';

/** Modes of a slot: the version its reply is written in, and whether it is written at all. */
export const RESP3 = 1;
export const SILENT = 2;

/** The state of a connection whose replies come in the order of its commands, in the version of RESP it chose. */
export class RespConnection extends SessionState {
  resp: 2 | 3 = 2;
  /** Commands begun on this connection. */
  taken = 0;
  /** What the next slot's mode is. */
  mode = 0;
  /** Nothing is to be looked at before a command is run: no transaction, subscription or tracking, all replies wanted. */
  isPlain = true;
  readonly #order: ReplyOrder;

  constructor(
    node: RespNode,
    connection: SessionConnection,
    ordered: OrderedSession,
    order: ReplyOrder,
    bufferedBytes: () => number,
  ) {
    super(node, connection, ordered, { name: 'resp', bufferedBytes });
    this.#order = order;
  }

  get answered(): number {
    return this.taken - this.#order.count;
  }

  protected get pushFormat(): PushFormat {
    return pushFormats[this.resp];
  }

  override reset(): void {
    super.reset();
    this.resp = 2;
  }

  /** A reply was written. */
  answeredOne(): void {
    this.runWhatWaited();
  }

  /** To be called after whatever may have changed what `mode` and `isPlain` rest on. */
  look(): void {
    const { replyMode } = this.client;
    this.mode = (this.resp === 3 ? RESP3 : 0) | (replyMode === 'on' ? 0 : SILENT);
    this.isPlain =
      (this.mode & SILENT) === 0 &&
      !this.transaction.isOpen &&
      !this.tracking.isOn &&
      (this.resp === 3 || !this.subscriptions.isSubscribed);
  }
}
