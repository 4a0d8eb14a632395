import type { Command } from '../../command/command.ts';
import type { ReplyReader } from '../../command/reply.ts';
import { noId } from '../../protocol/msgpack-rpc/message-reader.ts';
import { ResultForm } from '../../protocol/msgpack-rpc/response-encoder.ts';
import type { ReplySink } from '../../shard/shard-client.ts';

/** Calls kept for further requests, over all connections. */
const CALLS_KEPT = 8192;
const spare: RpcCall[] = [];

/** Whoever sends the responses of calls. */
export interface CallOwner {
  /** The call's one reply is there; it may be read during the call only. */
  onAnswered(call: RpcCall, reply: ReplyReader): void;
}

/** One request or notification that is being run. */
export class RpcCall implements ReplySink {
  /** {@link noId} of a notification. */
  id = noId;
  command: Command | null = null;
  /** NaN, or when the command began, by `performance.now`. */
  beganMs = Number.NaN;
  form: ResultForm = ResultForm.plain;
  /** As `UnorderedAnswers` counts it. */
  generation = 0;
  #owner: CallOwner | null = null;

  static begin(owner: CallOwner, id: number, command: Command | null, beganMs: number, form: ResultForm): RpcCall {
    const call = spare.pop() ?? new RpcCall();
    call.#owner = owner;
    call.id = id;
    call.command = command;
    call.beganMs = beganMs;
    call.form = form;
    return call;
  }

  onReply(reply: ReplyReader): void {
    const owner = this.#owner as CallOwner;
    owner.onAnswered(this, reply);
    this.#owner = null;
    this.command = null;
    if (spare.length < CALLS_KEPT) spare.push(this);
  }
}
