import { AssertionError, unreachable } from '../../base/assert.ts';
import { copyOf } from '../../base/copy-bytes.ts';
import { errors } from '../../base/errors.ts';
import type { ValueWriter } from '../../base/msgpack-writer.ts';
import type { Args } from '../../command/args.ts';
import type { AskingCommand, Command, ConnectionCommand } from '../../command/command.ts';
import { ReplyKind, type ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { noId } from '../../protocol/msgpack-rpc/message-reader.ts';
import { type RpcRefusal, refuse } from '../../protocol/msgpack-rpc/refusal.ts';
import { ResultForm } from '../../protocol/msgpack-rpc/response-encoder.ts';
import type { ReplySink } from '../../shard/shard-client.ts';
import { copyArgs } from '../dispatch/copy-args.ts';
import { OrderedSession } from '../dispatch/ordered-session.ts';
import type { ConnectionClient } from '../session/connection-client.ts';
import { type CommandTaker, InputLoop } from '../session/input-loop.ts';
import type { OpenSession, Session, SessionConnection } from '../session/session.ts';
import { areOperations } from './batch-run.ts';
import { IdsInFlight } from './ids-in-flight.ts';
import { authWork, helloWork, notLoggedIn, type Work } from './login-methods.ts';
import { type BatchPort, RpcBatches } from './rpc-batches.ts';
import { type CallOwner, RpcCall } from './rpc-call.ts';
import { RpcConnection } from './rpc-connection.ts';
import { Found, RpcInput } from './rpc-input.ts';
import type { RpcNode } from './rpc-node.ts';
import { RpcShared } from './rpc-shared.ts';

const getCommand = commandTable.named('get');
const setCommand = commandTable.named('set');

type ConnectionRow = (AskingCommand | ConnectionCommand) & Command;

/** Opens the sessions of one front. */
export function openRpcSessions(node: RpcNode): OpenSession {
  const shared = new RpcShared(node);
  return (connection) => new RpcSession(shared, connection);
}

/**
 * One connection that speaks MessagePack-RPC: decodes requests, sees to it that its user may make them, has them run in
 * their order and answers each by its id.
 *
 * It takes requests until something holds it: a congested output, as many requests under way as it may have, a command
 * over all shards, a batch whose operations are not all begun, or one that changes the connection itself and is run when
 * all before it are answered. What arrived by then is kept, and the socket is not read.
 */
class RpcSession implements Session, CommandTaker, CallOwner, BatchPort {
  readonly #shared: RpcShared;
  readonly #node: RpcNode;
  readonly #connection: SessionConnection;
  readonly #state: RpcConnection;
  readonly #loop: InputLoop;
  readonly #input: RpcInput;
  readonly #ids = new IdsInFlight();
  readonly #ordered: OrderedSession;
  readonly #batches: RpcBatches;
  /** A command that waits: until all before it are answered, or until commands are no longer held back. */
  #deferred: (() => void) | null = null;
  #waitsForAll = true;
  #forgetPause: (() => void) | null = null;
  /** A connection command that has not answered yet, or one that is held back. */
  #isAwaiting = false;
  #isClosed = false;

  constructor(shared: RpcShared, connection: SessionConnection) {
    const { node } = shared;
    this.#shared = shared;
    this.#node = node;
    this.#connection = connection;
    this.#input = new RpcInput(shared.reader, shared.args, node.limits.messageBytesMax);
    this.#ordered = new OrderedSession(node.shardCount);
    this.#ordered.onReady = () => this.#loop.run();
    this.#state = new RpcConnection(node, connection, this.#ordered, () => this.#input.kept.length);
    this.#loop = new InputLoop(node, connection, this.#state, this);
    this.#batches = new RpcBatches(shared, this.#state, this);
  }

  get client(): ConnectionClient {
    return this.#state.client;
  }

  get inFlight(): number {
    return this.#state.calls + this.#batches.unanswered + (this.#deferred === null ? 0 : 1);
  }

  get isHeld(): boolean {
    return this.#loop.isHeld;
  }

  get bufferedBytes(): number {
    return this.#input.kept.length;
  }

  receive(bytes: Uint8Array): void {
    this.#input.kept.add(bytes);
    this.#loop.run();
  }

  resume(): void {
    this.#loop.run();
  }

  inputEnded(): void {
    this.#ordered.isGone = true;
  }

  close(): void {
    this.#isClosed = true;
    this.#loop.close();
    this.#forgetPause?.();
    this.#input.kept.clear();
    this.#state.close();
  }

  // The way of a request.

  takeNext(): boolean {
    if (this.#deferred !== null) this.#runDeferred(this.#deferred);
    else if (this.#batches.isBeginning) this.#batches.step();
    else return this.#takeMessage();
    return true;
  }

  mayTake(): boolean {
    if (this.#state.isClosing || this.#isAwaiting || this.#connection.isCongested) return false;
    if (this.#deferred !== null)
      return !this.#waitsForAll || (this.#state.calls === 0 && this.#batches.unanswered === 0);
    return !this.#ordered.blocked && (this.#batches.isBeginning || this.#state.calls < this.#node.limits.pipelineMax);
  }

  onRest(): void {
    this.#input.kept.settle();
    if (this.#state.isClosing) this.#endWhenAnswered();
  }

  /** False when what arrived is not a whole message. */
  #takeMessage(): boolean {
    const input = this.#input;
    const found = input.next(this.#state.user !== null);
    const { bytes } = input;
    switch (found) {
      case Found.nothing:
        return false;
      case Found.plain:
        if (!this.#state.isPlain || this.#node.clients.isPaused || !this.#runUsual(bytes)) this.#request(bytes, true);
        break;
      case Found.whole:
        this.#request(bytes, false);
        break;
      case Found.refused:
        this.#refuse(this.#shared.reader.id, input.refusal);
        break;
      case Found.broken:
        this.#break(input.brokenId, input.refusal);
        break;
      default:
        unreachable(found);
    }
    return true;
  }

  /** GET and SET in their shortest forms, by a shorter way. False, with nothing done, when it is any other request. */
  #runUsual(bytes: Uint8Array): boolean {
    const { reader, args } = this.#shared;
    const { methodStart: at, methodEnd, id } = reader;
    if (methodEnd - at !== 3 || id === noId || bytes[at + 1] !== 0x65 || bytes[at + 2] !== 0x74) return false;
    const { limits } = this.#node;
    if (args.byteLength(0) > limits.keyBytesMax) return false;
    if (this.#state.calls + this.#batches.unanswered > 0 && this.#ids.has(id)) return false;
    if (bytes[at] === 0x67 && args.count === 1) {
      if (this.#ordered.inFlight > 0 || !this.#getAtOnce(bytes, args.start(0), args.end(0), id)) return false;
      this.client.lastCommand = 'get';
    } else if (bytes[at] === 0x73 && args.count === 2 && !reader.hasBin) {
      if (args.byteLength(1) > limits.valueBytesMax) return false;
      this.client.lastCommand = 'set';
      this.#node.commands.execute(setCommand, args, this.#begin(id, setCommand, ResultForm.plain), this.#ordered);
    } else return false;
    this.client.commandCount++;
    return true;
  }

  /** With nothing on its way before it, the value goes from shared memory to where it is sent from. */
  #getAtOnce(bytes: Uint8Array, start: number, end: number, id: number): boolean {
    const { commands, counts } = this.#node;
    const { encoder } = this.#shared;
    const beganMs = counts.begin(getCommand);
    const view = commands.beginRead(bytes, start, end, this.#ordered);
    if (view === null) return false;
    let written = 0;
    let holds = false;
    try {
      if (view.lookup(bytes, start, end)) written = encoder.found(id, view, this.#connection);
      else written = encoder.nil(id, this.#connection);
    } finally {
      holds = commands.endRead();
    }
    if (!holds) {
      this.#connection.giveBack(written);
      return false;
    }
    if (written === 0) encoder.kept(id, this.#connection);
    counts.end(getCommand, beganMs);
    return true;
  }

  #request(bytes: Uint8Array, isPlain: boolean): void {
    const { request, reader } = this.#shared;
    const { id } = reader;
    this.client.commandCount++;
    if (id !== noId && this.#state.calls + this.#batches.unanswered > 0 && this.#ids.has(id)) {
      this.#refuse(id, refuse('bad-request', `a request with the id ${id} is in flight`));
      return;
    }
    if (!request.prepare(bytes, isPlain)) {
      if (this.#state.transaction.isOpen) this.#state.transaction.abort();
      this.#answerAtOnce(id, this.#shared.refusal);
      return;
    }
    const { own, command, args, form } = request;
    if (own === 'batch') this.#beginBatch(bytes, id);
    else if (own !== null) this.#logIn(own, bytes, id);
    else if (this.#node.clients.holds(command)) this.#hold(command, copyArgs(args), form, id);
    else this.#command(command, args, form, id);
  }

  /** CLIENT PAUSE: this command, and so all behind it, waits. */
  #hold(command: Command, args: Args, form: ResultForm, id: number): void {
    this.#isAwaiting = true;
    this.#waitsForAll = false;
    this.#deferred = () => this.#command(command, args, form, id);
    this.#forgetPause = this.#node.clients.whenUnpaused(() => {
      this.#isAwaiting = false;
      this.#loop.run();
    });
  }

  #command(command: Command, args: Args, form: ResultForm, id: number): void {
    const denial = this.denialOf(command, args);
    if (denial !== null) {
      if (this.#state.transaction.isOpen) this.#state.transaction.abort();
      this.#refuse(id, denial);
      return;
    }
    this.client.lastCommand = command.name;
    if (this.#state.isPlain && command.kind !== 'connection') {
      this.#node.commands.execute(command, args, this.#begin(id, command, form), this.#ordered);
      return;
    }
    const { transaction } = this.#state;
    if (transaction.isOpen && transaction.takes(command)) {
      const { refusal } = this.#shared;
      refusal.clear();
      if (this.#state.tracking.isOn) this.#state.tracking.queued(command, args);
      transaction.queue(command, args, refusal);
      this.#answerAtOnce(id, refusal);
    } else if (command.kind === 'connection') this.#onConnection(command, args, id);
    else this.execute(command, args, this.#begin(id, command, form));
    this.#state.look();
  }

  execute(command: Command, args: Args, sink: ReplySink): void {
    if (this.#state.tracking.isOn) this.#state.tracking.willRead(command, args);
    this.#node.commands.execute(command, args, sink, this.#ordered);
    if (this.#state.tracking.isOn) this.#state.tracking.ran(command);
  }

  denialOf(command: Command, args: Args): RpcRefusal | null {
    if (this.#state.user === null) return command.flags.includes('no_auth') ? null : notLoggedIn;
    return this.#state.user.denialOf(command, args);
  }

  #begin(id: number, command: Command | null, form: ResultForm): RpcCall {
    this.#state.calls++;
    if (id !== noId) this.#ids.add(id);
    const beganMs = command === null ? Number.NaN : this.#node.counts.begin(command);
    const call = RpcCall.begin(this, id, command, beganMs, form);
    call.generation = this.#state.tookOne();
    return call;
  }

  onAnswered(call: RpcCall, reply: ReplyReader): void {
    try {
      this.#write(call, reply);
    } catch (error) {
      this.#loop.defect(error);
    }
  }

  #write(call: RpcCall, reply: ReplyReader): void {
    const { id, command } = call;
    if (command !== null) this.#state.count(command, call.beganMs, null);
    if (reply.kind === ReplyKind.error) this.#node.counters.error(errors[reply.errorCode].id);
    if (id !== noId) {
      this.#ids.delete(id);
      if (!this.#isClosed) {
        const nowMs = call.form === ResultForm.entry ? this.#node.clock.nowMs() : 0;
        this.#shared.encoder.reply(id, reply, call.form, nowMs, this.#connection);
      }
    }
    this.#state.calls--;
    this.#state.answeredOne(call.generation);
    if (this.#loop.isHeld || this.#state.isClosing) this.#loop.run();
  }

  // Commands that concern the connection itself.

  /** Those that keep their place are run at once; the rest wait until all before them are answered. */
  #onConnection(command: ConnectionRow, args: Args, id: number): void {
    if (command.start === undefined && command.place !== 'in-order') {
      const copy = copyArgs(args);
      this.#defer(id, command, (reply) => this.#state.run(command, copy, reply));
      return;
    }
    const call = this.#begin(id, command, ResultForm.plain);
    if (command.start !== undefined) command.start(this.#state, args, call);
    else {
      const { refusal } = this.#shared;
      refusal.clear();
      // There is no promise: it keeps its place.
      void this.#state.run(command, args, refusal);
      this.#settle(call, refusal);
    }
    if (this.#state.tracking.isOn) this.#state.tracking.ran(command);
  }

  #defer(id: number, command: ConnectionRow | null, work: Work): void {
    this.#waitsForAll = true;
    this.#deferred = () => {
      const writer = new ReplyWriter();
      const call = this.#begin(id, command, ResultForm.plain);
      const outcome = work(writer);
      if (command !== null && this.#state.tracking.isOn) this.#state.tracking.ran(command);
      if (outcome === undefined) this.#settle(call, writer);
      else this.#await(call, outcome, writer);
    };
    if (id !== noId) this.#ids.add(id);
  }

  #runDeferred(run: () => void): void {
    this.#deferred = null;
    run();
  }

  #await(call: RpcCall, outcome: Promise<void>, writer: ReplyWriter): void {
    this.#isAwaiting = true;
    void outcome
      .catch((error: unknown) => {
        if (error instanceof AssertionError) throw error;
        this.#node.log.error(
          { err: error, command: call.command?.name ?? '' },
          'a command failed in a way it must not',
        );
        writer.clear();
        writer.error('internal', 'the command failed; the log says more');
      })
      .then(() => {
        this.#isAwaiting = false;
        this.#settle(call, writer);
        this.#loop.run();
      })
      .catch((error: unknown) => this.#loop.defect(error));
  }

  #settle(call: RpcCall, writer: ReplyWriter): void {
    this.#state.look();
    if (writer.length === 0) writer.null();
    call.onReply(this.#shared.opened(writer));
  }

  #logIn(own: 'auth' | 'hello', bytes: Uint8Array, id: number): void {
    this.client.lastCommand = own;
    const work = (own === 'auth' ? authWork : helloWork)(this.#shared, this.#state, bytes);
    if (typeof work === 'function') this.#defer(id, null, work);
    else this.#refuse(id, work);
  }

  // Batches.

  #beginBatch(bytes: Uint8Array, id: number): void {
    const { paramsStart, paramCount } = this.#shared.reader;
    const { batchMax } = this.#node.limits;
    if (this.#state.user === null) this.#refuse(id, notLoggedIn);
    else if (paramCount > batchMax) {
      this.#refuse(id, refuse('request-too-large', `a batch has at most ${batchMax} operations`));
    } else if (!areOperations(bytes, paramsStart, paramCount)) {
      this.#refuse(id, refuse('bad-request', 'a batch is operations, each [method, params]'));
    } else {
      const copy = copyOf(bytes, paramsStart, this.#input.kept.start);
      if (id !== noId) this.#ids.add(id);
      this.#batches.begin(id, copy, paramCount);
    }
  }

  onBatch(id: number, results: ValueWriter): void {
    if (id !== noId) {
      this.#ids.delete(id);
      if (!this.#isClosed) this.#shared.encoder.result(id, results, this.#connection);
    }
  }

  afterBatch(): void {
    if (this.#loop.isHeld || this.#state.isClosing) this.#loop.run();
  }

  onDefect(error: unknown): void {
    this.#loop.defect(error);
  }

  // Answers without a run.

  #refuse(id: number, { code, message }: RpcRefusal): void {
    this.#node.counters.error(errors[code].id);
    if (id !== noId) this.#shared.encoder.error(id, code, message, this.#connection);
  }

  #answerAtOnce(id: number, written: ReplyWriter): void {
    const reply = this.#shared.opened(written);
    if (reply.kind === ReplyKind.error) this.#node.counters.error(errors[reply.errorCode].id);
    if (id !== noId) this.#shared.encoder.reply(id, reply, ResultForm.plain, 0, this.#connection);
  }

  /** The bytes are not of the protocol, or too many: nothing after them can be understood. */
  #break(id: number, { code, message }: RpcRefusal): void {
    this.#node.counters.error(errors[code].id);
    this.#shared.encoder.error(id, code, message, this.#connection);
    this.#input.kept.clear();
    this.#state.isClosing = true;
  }

  /** What was taken is answered before the connection is closed. */
  #endWhenAnswered(): void {
    if (this.#state.calls === 0 && this.#batches.unanswered === 0) this.#connection.end();
  }
}
