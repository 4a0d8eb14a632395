import { copyOf } from '../../base/copy-bytes.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import { ReplyReader, type ReplyWriter } from '../../command/reply.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import type { SessionConnection } from '../session/session.ts';
import { SessionState } from '../session/session-state.ts';
import { rpcPushFormat } from './push-format.ts';
import type { RpcNode } from './rpc-node.ts';
import { UnorderedAnswers } from './unordered-answers.ts';

const reader = new ReplyReader();

/** The state of a connection whose requests are answered by their ids, in any order. */
export class RpcConnection extends SessionState {
  /** Pushes may come at any time, as in RESP3. */
  readonly resp = 3;
  /** A command needs no look at anything before it is run: all are allowed, none is queued, no key is noted. */
  isPlain = false;
  /** Requests that are run by themselves, begun and not answered: what is in flight but for batches. */
  calls = 0;
  protected readonly pushFormat = rpcPushFormat;
  readonly #answers = new UnorderedAnswers();

  constructor(node: RpcNode, connection: SessionConnection, ordered: OrderedSession, bufferedBytes: () => number) {
    super(node, connection, ordered, { name: 'msgpack', bufferedBytes });
    this.look();
  }

  look(): void {
    this.isPlain = this.user?.isUnrestricted === true && !this.transaction.isOpen && !this.tracking.isOn;
  }

  /** A response has one result, so a reply of several parts is an array of them within that of EXEC, too. */
  protected override runQueued(command: Command, args: Args, reply: ReplyWriter): undefined | Promise<void> {
    const settled = super.runQueued(command, args, reply);
    if (settled !== undefined) return settled.then(() => joinParts(reply));
    joinParts(reply);
    return undefined;
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

function joinParts(reply: ReplyWriter): void {
  if (reply.length === 0) return;
  reader.openWritten(reply);
  let count = 1;
  for (reader.skip(); !reader.done; count++) {
    reader.next();
    reader.skip();
  }
  if (count === 1) return;
  const parts = copyOf(reply.bytes, 0, reply.length);
  reply.clear();
  reply.array(count);
  reply.part(parts, 0, parts.length);
}
