import type { OrderedSession } from '../dispatch/ordered-session.ts';
import type { SessionConnection } from '../session/session.ts';
import { SessionState } from '../session/session-state.ts';
import { rpcPushFormat } from './push-format.ts';
import type { RpcNode } from './rpc-node.ts';
import { UnorderedAnswers } from './unordered-answers.ts';

/** The state of a connection whose requests are answered by their ids, in any order. */
export class RpcConnection extends SessionState {
  /** Pushes may come at any time, as in RESP3. */
  readonly resp = 3;
  /** Requests that are run by themselves, begun and not answered: what is in flight but for batches. */
  calls = 0;
  protected readonly pushFormat = rpcPushFormat;
  readonly #answers = new UnorderedAnswers();

  constructor(node: RpcNode, connection: SessionConnection, ordered: OrderedSession, bufferedBytes: () => number) {
    super(node, connection, ordered, { name: 'msgpack', bufferedBytes });
  }

  /** A command needs no look at anything before it is run: all are allowed, none is queued, no key is noted. */
  get isPlain(): boolean {
    return this.user?.isUnrestricted === true && !this.transaction.isOpen && !this.tracking.isOn;
  }

  /** A request is taken; what is returned is to be given to `answeredOne` when its answer is written. */
  tookOne(): number {
    return this.#answers.begin();
  }

  answeredOne(generation: number): void {
    this.#answers.end(generation);
    this.runWhatWaited();
  }

  get taken(): number {
    return this.#answers.taken;
  }

  get answered(): number {
    return this.#answers.answered;
  }
}
