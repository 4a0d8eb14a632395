import { AssertionError } from '../../base/assert.ts';
import { errors } from '../../base/errors.ts';
import type { Args } from '../../command/args.ts';
import type { Command, ConnectionCommand } from '../../command/command.ts';
import type { ClientsPort, ConnectionPort } from '../../command/connection.ts';
import type { NodePort } from '../../command/node-port.ts';
import { ReplyKind, type ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { noId, Outcome } from '../../protocol/msgpack-rpc/message-reader.ts';
import { idOfBroken, MessageScanner, Scan } from '../../protocol/msgpack-rpc/message-scanner.ts';
import { type RpcRefusal, refuse } from '../../protocol/msgpack-rpc/refusal.ts';
import { ResultForm } from '../../protocol/msgpack-rpc/response-encoder.ts';
import { ValueWriter } from '../../protocol/msgpack-rpc/value-writer.ts';
import type { ReplySink } from '../../shard/shard-client.ts';
import { type AccessUser, everybody } from '../access/rights.ts';
import { copyArgs } from '../dispatch/copy-args.ts';
import { OrderedSession } from '../dispatch/ordered-session.ts';
import { TransactionQueue } from '../dispatch/transaction-queue.ts';
import { AfterReplies } from '../pubsub/after-replies.ts';
import { ConnectionSubscriptions } from '../pubsub/connection-subscriptions.ts';
import type { Push, PushTarget } from '../pubsub/push.ts';
import { ConnectionClient } from '../tcp/connection-client.ts';
import type { OpenSession, Session, SessionConnection } from '../tcp/session.ts';
import { ConnectionTracking } from '../tracking/connection-tracking.ts';
import { areOperations, type BatchOperation, type BatchOwner, BatchRun } from './batch-run.ts';
import { readGreeting, writeHello } from './hello.ts';
import { IdsInFlight } from './ids-in-flight.ts';
import { KeptInput } from './kept-input.ts';
import type { OwnMethod } from './method.ts';
import { rpcPushFormat } from './push-format.ts';
import { type CallOwner, RpcCall } from './rpc-call.ts';
import type { RpcNode } from './rpc-node.ts';
import { RpcShared } from './rpc-shared.ts';

const getCommand = commandTable.named('get');
const setCommand = commandTable.named('set');

/** Before a user is known, a message has at most this: enough to log in. */
const LOGIN_BYTES_MAX = 16 * 1024;

type ConnectionRow = ConnectionCommand & Command;
type LoginOutcome = Awaited<ReturnType<RpcNode['access']['login']>>;

const notLoggedIn = refuse('unauthenticated', 'Authentication required.');

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
class RpcSession implements Session, ConnectionPort, PushTarget, CallOwner, BatchOwner {
  readonly client: ConnectionClient;
  readonly subscriptions: ConnectionSubscriptions;
  readonly tracking: ConnectionTracking;
  readonly transaction: TransactionQueue;
  /** Pushes may come at any time, as in RESP3. */
  readonly resp = 3;
  taken = 0;
  readonly #shared: RpcShared;
  readonly #node: RpcNode;
  readonly #connection: SessionConnection;
  readonly #scanner: MessageScanner;
  readonly #kept = new KeptInput();
  readonly #ids = new IdsInFlight();
  readonly #ordered: OrderedSession;
  readonly #afterReplies = new AfterReplies();
  #user: AccessUser | null;
  /** Nothing is to be looked at before a command is run: everything allowed, no transaction, no tracking. */
  #isPlain = true;
  /** Calls not answered; of those taken, so many were when last none was owed. */
  #calls = 0;
  #answeredOnce = 0;
  #batch: BatchRun | null = null;
  #batches = 0;
  /** A command that waits until all before it are answered. */
  #deferred: (() => void) | null = null;
  /** A connection command that has not answered yet. */
  #isAwaiting = false;
  #isRunning = false;
  #isInputPaused = false;
  #isClosing = false;
  #isClosed = false;

  constructor(shared: RpcShared, connection: SessionConnection) {
    const { node } = shared;
    this.#shared = shared;
    this.#node = node;
    this.#connection = connection;
    this.#scanner = new MessageScanner(node.limits.messageBytesMax);
    this.#ordered = new OrderedSession(node.shardCount);
    this.#ordered.onReady = () => this.#run();
    this.#user = node.access.isOpen ? everybody : null;
    this.client = new ConnectionClient(connection, 'msgpack', this);
    this.subscriptions = new ConnectionSubscriptions(node.channels, this);
    this.tracking = new ConnectionTracking(node.tracker, this, this.subscriptions, this.#ordered);
    this.transaction = new TransactionQueue(node.commands, this.#ordered);
    this.transaction.runOnConnection = (command, args, reply) =>
      command.kind === 'connection' ? command.run(this, args, reply) : undefined;
    this.#lookAtState();
    node.clients.add(this.client);
  }

  get inFlight(): number {
    return this.#calls + this.#batches + (this.#deferred === null ? 0 : 1);
  }

  get bufferedBytes(): number {
    return this.#kept.length;
  }

  receive(bytes: Uint8Array): void {
    this.client.lastCommandAtMs = this.#node.clock.nowMs();
    this.#kept.add(bytes);
    this.#run();
  }

  resume(): void {
    this.#run();
  }

  close(): void {
    this.#isClosed = true;
    this.#kept.clear();
    this.#afterReplies.clear();
    this.subscriptions.clear();
    this.tracking.close();
    this.transaction.reset();
    this.#node.clients.remove(this.client);
  }

  // What commands see of the connection.

  get node(): NodePort {
    return this.#node.port;
  }
  get clients(): ClientsPort {
    return this.#node.clients;
  }
  get id(): number {
    return this.client.id;
  }
  get channelCount(): number {
    return this.subscriptions.channelCount;
  }
  get patternCount(): number {
    return this.subscriptions.patternCount;
  }
  get queuedCount(): number {
    return this.transaction.queuedCount;
  }
  get watchedCount(): number {
    return this.transaction.watchedCount;
  }
  get isTracking(): boolean {
    return this.tracking.isOn;
  }
  get userName(): string | null {
    return this.#user?.name ?? null;
  }

  login(name: string, password: string, reply: ReplyWriter): boolean | Promise<boolean> {
    const admit = (outcome: LoginOutcome): boolean => {
      if ('code' in outcome) {
        const isWrong = outcome.code === 'wrong-password';
        reply.error(outcome.code, isWrong ? 'invalid username-password pair or user is disabled.' : outcome.message);
        return false;
      }
      this.#user = outcome;
      return true;
    };
    const outcome = this.#node.access.login(name, password, this.#connection.remoteAddress);
    return outcome instanceof Promise ? outcome.then(admit) : admit(outcome);
  }

  reset(): void {
    this.client.name = '';
    this.subscriptions.clear();
    this.tracking.reset();
    this.transaction.reset();
    this.#user = this.#node.access.isOpen ? everybody : null;
  }

  closeAfterReply(): void {
    this.#isClosing = true;
  }

  // What is sent unasked.

  get answered(): number {
    return this.#calls === 0 ? this.taken : this.#answeredOnce;
  }

  send(push: Push): void {
    const bytes = push.encodedAs(rpcPushFormat);
    const at = this.#connection.reserve(bytes.length);
    this.#connection.bytes.set(bytes, at);
  }

  whenAnswered(task: () => void): void {
    if (this.#calls === 0) task();
    else this.#afterReplies.add(this.taken, task);
  }

  // The way of a request.

  /** Takes requests until there is none or something holds the session. */
  #run(): void {
    // A reply that is there at once calls this from within.
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    let isHeld = false;
    try {
      for (;;) {
        isHeld = !this.#takesRequests();
        if (isHeld) break;
        if (this.#deferred !== null) this.#runDeferred(this.#deferred);
        else if (this.#batch !== null) this.#stepBatch(this.#batch);
        else if (this.#kept.length === 0 || !this.#takeMessage(this.#kept)) break;
      }
    } catch (error) {
      // A broken invariant ends the thread; any other defect costs the connection it was met on.
      if (error instanceof AssertionError) throw error;
      this.#node.log.error({ err: error, client: this.id }, 'a request failed in a way it must not');
      this.#connection.destroy('a request failed in a way it must not');
    } finally {
      this.#isRunning = false;
    }
    if (this.#isClosed) return;
    this.#kept.settle();
    if (this.#isClosing) this.#endWhenAnswered();
    else if (isHeld !== this.#isInputPaused) {
      this.#isInputPaused = isHeld;
      if (isHeld) this.#connection.pauseInput();
      else this.#connection.resumeInput();
    }
  }

  #takesRequests(): boolean {
    if (this.#isClosing || this.#isClosed || this.#isAwaiting || this.#connection.isCongested) return false;
    if (this.#deferred !== null) return this.#calls === 0 && this.#batches === 0;
    return !this.#ordered.blocked && (this.#batch !== null || this.#calls < this.#node.limits.pipelineMax);
  }

  /** False when what is kept is not a whole message. */
  #takeMessage(kept: KeptInput): boolean {
    const { bytes, start, end } = kept;
    const { reader, args } = this.#shared;
    const scanner = this.#scanner;
    if (!scanner.isAmid) {
      const next = reader.readPlain(bytes, start, end, args);
      if (next > 0 && (this.#user !== null || next - start <= LOGIN_BYTES_MAX)) {
        kept.start = next;
        if (!this.#isPlain || this.#node.clients.isPaused || !this.#runUsual(bytes)) this.#request(bytes, true);
        return true;
      }
      scanner.messageBytesMax = this.#user === null ? LOGIN_BYTES_MAX : this.#node.limits.messageBytesMax;
      scanner.begin();
    }
    const next = scanner.scan(bytes, start, end);
    if (next === Scan.incomplete) return false;
    if (next === Scan.broken) {
      this.#break(idOfBroken(bytes, start, end), scanner.fault as RpcRefusal);
      return true;
    }
    kept.start = next;
    const outcome = reader.readWhole(bytes, start);
    if (outcome === Outcome.broken) this.#break(noId, reader.refusal);
    else if (outcome === Outcome.refused) this.#refuse(reader.id, reader.refusal);
    else if (scanner.hasExt) this.#refuse(reader.id, refuse('invalid-argument', 'ext values are not taken'));
    else if (scanner.isTooDeep) this.#refuse(reader.id, refuse('too-deep', 'the message nests too deeply'));
    else this.#request(bytes, false);
    return true;
  }

  /** GET and SET in their shortest forms, by a shorter way. False, with nothing done, when it is any other request. */
  #runUsual(bytes: Uint8Array): boolean {
    const { reader, args } = this.#shared;
    const { methodStart: at, methodEnd, id } = reader;
    if (methodEnd - at !== 3 || id === noId || bytes[at + 1] !== 0x65 || bytes[at + 2] !== 0x74) return false;
    const { limits } = this.#node;
    if (args.byteLength(0) > limits.keyBytesMax) return false;
    if (this.#calls + this.#batches > 0 && this.#ids.has(id)) return false;
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
    const view = commands.beginRead(bytes, start, end);
    if (view === null) return false;
    try {
      if (view.lookup(bytes, start, end)) encoder.found(id, view, this.#connection);
      else encoder.nil(id, this.#connection);
    } finally {
      commands.endRead();
    }
    counts.end(getCommand, beganMs);
    return true;
  }

  #request(bytes: Uint8Array, isPlain: boolean): void {
    const { request, reader } = this.#shared;
    const { id } = reader;
    this.client.commandCount++;
    if (id !== noId && this.#calls + this.#batches > 0 && this.#ids.has(id)) {
      this.#refuse(id, refuse('bad-request', `a request with the id ${id} is in flight`));
      return;
    }
    if (!request.prepare(bytes, isPlain)) {
      if (this.transaction.isOpen) this.transaction.abort();
      this.#answerAtOnce(id, this.#shared.refusal);
      return;
    }
    const { own, command, args, form } = request;
    if (own !== null) this.#runOwn(own, bytes, id);
    else if (this.#node.clients.holds(command)) this.#hold(command, copyArgs(args), form, id);
    else this.#command(command, args, form, id);
  }

  /** CLIENT PAUSE: this command, and so all behind it, waits. */
  #hold(command: Command, args: Args, form: ResultForm, id: number): void {
    this.#isAwaiting = true;
    this.#node.clients.whenUnpaused(() => {
      this.#isAwaiting = false;
      if (this.#isClosed) return;
      this.#command(command, args, form, id);
      this.#run();
    });
  }

  #command(command: Command, args: Args, form: ResultForm, id: number): void {
    const denial = this.#denialOf(command, args);
    if (denial !== null) {
      if (this.transaction.isOpen) this.transaction.abort();
      this.#refuse(id, denial);
      return;
    }
    this.client.lastCommand = command.name;
    if (this.#isPlain && command.kind !== 'connection') {
      this.#node.commands.execute(command, args, this.#begin(id, command, form), this.#ordered);
      return;
    }
    const { transaction } = this;
    if (transaction.isOpen && transaction.takes(command)) {
      const { refusal } = this.#shared;
      refusal.clear();
      if (this.tracking.isOn) this.tracking.willRead(command, args);
      transaction.queue(command, args, refusal);
      this.#answerAtOnce(id, refusal);
    } else if (command.kind === 'connection') this.#onConnection(command, args, id);
    else this.#execute(command, args, this.#begin(id, command, form));
    this.#lookAtState();
  }

  #execute(command: Command, args: Args, sink: ReplySink): void {
    if (this.tracking.isOn) this.tracking.willRead(command, args);
    this.#node.commands.execute(command, args, sink, this.#ordered);
    if (this.tracking.isOn) this.tracking.ran(command);
  }

  #denialOf(command: Command, args: Args): RpcRefusal | null {
    if (this.#user === null) return command.flags.includes('no_auth') ? null : notLoggedIn;
    return this.#user.denialOf(command, args);
  }

  #begin(id: number, command: Command | null, form: ResultForm): RpcCall {
    this.taken++;
    this.#calls++;
    if (id !== noId) this.#ids.add(id);
    return RpcCall.begin(this, id, command, command === null ? Number.NaN : this.#node.counts.begin(command), form);
  }

  onAnswered(call: RpcCall, reply: ReplyReader): void {
    const { id, command } = call;
    if (command !== null) this.#node.counts.end(command, call.beganMs);
    if (reply.kind === ReplyKind.error) this.#node.counters.error(errors[reply.errorCode].id);
    this.#calls--;
    if (id !== noId) {
      this.#ids.delete(id);
      if (!this.#isClosed) {
        const nowMs = call.form === ResultForm.entry ? this.#node.clock.nowMs() : 0;
        this.#shared.encoder.reply(id, reply, call.form, nowMs, this.#connection);
      }
    }
    if (this.#calls === 0) this.#answeredOnce = this.taken;
    if (!this.#afterReplies.isEmpty) this.#afterReplies.run(this.answered);
    if (this.#isInputPaused || this.#isClosing) this.#run();
  }

  // Commands that concern the connection itself.

  /** Those of a transaction keep their place among the others; the rest wait until all before them are answered. */
  #onConnection(command: ConnectionRow, args: Args, id: number): void {
    switch (command.name) {
      case 'exec':
        this.transaction.execute(this.#begin(id, command, ResultForm.plain));
        return;
      case 'watch':
        this.transaction.watchKeys(args, this.#begin(id, command, ResultForm.plain));
        return;
      default: {
        const copy = copyArgs(args);
        this.#defer(id, command, (reply) => command.run(this, copy, reply));
      }
    }
  }

  #defer(id: number, command: ConnectionRow | null, work: (reply: ReplyWriter) => void | Promise<void>): void {
    this.#deferred = () => {
      const writer = new ReplyWriter();
      const call = this.#begin(id, command, ResultForm.plain);
      const outcome = work(writer);
      if (command !== null && this.tracking.isOn) this.tracking.ran(command);
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
        this.#run();
      });
  }

  #settle(call: RpcCall, writer: ReplyWriter): void {
    this.#lookAtState();
    if (writer.length === 0) writer.null();
    call.onReply(this.#shared.opened(writer));
  }

  #runOwn(own: Exclude<OwnMethod, 'entry'>, bytes: Uint8Array, id: number): void {
    this.client.lastCommand = own;
    if (own === 'auth') this.#auth(bytes, id);
    else if (own === 'hello') this.#hello(bytes, id);
    else this.#beginBatch(bytes, id);
  }

  #auth(bytes: Uint8Array, id: number): void {
    const { request, refusal } = this.#shared;
    if (!request.readArgs(bytes)) {
      this.#answerAtOnce(id, refusal);
      return;
    }
    const words = Array.from({ length: request.args.count }, (_, at) => Buffer.from(request.args.view(at)).toString());
    const [first = '', second] = words;
    if (words.length === 0 || words.length > 2) {
      this.#refuse(id, refuse('arity', "wrong number of arguments for 'auth' command"));
    } else if (second === undefined) this.#logIn(id, 'default', first, (reply) => reply.ok());
    else this.#logIn(id, first, second, (reply) => reply.ok());
  }

  #hello(bytes: Uint8Array, id: number): void {
    const greeting = readGreeting(bytes, this.#shared.reader);
    if ('code' in greeting) {
      this.#refuse(id, greeting);
      return;
    }
    const { user, password, name } = greeting;
    const answer = (reply: ReplyWriter): void => {
      if (name !== null) this.client.name = name;
      writeHello(this.#shared, this.id, this.userName ?? '', reply);
    };
    if (password !== null) this.#logIn(id, user ?? 'default', password, answer);
    else if (this.#user === null) this.#refuse(id, notLoggedIn);
    else this.#defer(id, null, answer);
  }

  #logIn(id: number, user: string, password: string, answer: (reply: ReplyWriter) => void): void {
    this.#defer(id, null, (reply) => {
      const outcome = this.login(user, password, reply);
      if (outcome === true) answer(reply);
      if (typeof outcome === 'boolean') return;
      return outcome.then((isAdmitted) => {
        if (isAdmitted) answer(reply);
      });
    });
  }

  // Batches.

  #beginBatch(bytes: Uint8Array, id: number): void {
    const { paramsStart, paramCount } = this.#shared.reader;
    const { batchMax } = this.#node.limits;
    if (this.#user === null) this.#refuse(id, notLoggedIn);
    else if (paramCount > batchMax) {
      this.#refuse(id, refuse('request-too-large', `a batch has at most ${batchMax} operations`));
    } else if (!areOperations(bytes, paramsStart, paramCount)) {
      this.#refuse(id, refuse('bad-request', 'a batch is operations, each [method, params]'));
    } else {
      const copy = new Uint8Array(bytes.subarray(paramsStart, this.#kept.start));
      this.#batches++;
      if (id !== noId) this.#ids.add(id);
      const batch = new BatchRun(this, this.#shared, id, copy, 0, paramCount);
      if (paramCount === 0) this.onBatchDone(batch);
      else this.#batch = batch;
    }
  }

  #stepBatch(batch: BatchRun): void {
    batch.step();
    if (batch.isBegun) this.#batch = null;
  }

  runOperation(bytes: Uint8Array, operation: BatchOperation): void {
    const { request, refusal } = this.#shared;
    if (!request.prepare(bytes, false)) {
      operation.onReply(this.#shared.opened(refusal));
      return;
    }
    const { command, args } = request;
    if (request.own !== null || command.kind === 'connection' || this.transaction.isOpen) {
      operation.refuse('bad-request', 'not possible in a batch');
      return;
    }
    const denial = this.#denialOf(command, args);
    if (denial !== null) {
      operation.refuse(denial.code, denial.message);
      return;
    }
    operation.command = command;
    operation.form = request.form;
    operation.beganMs = this.#node.counts.begin(command);
    this.#execute(command, args, operation);
  }

  onBatchDone(batch: BatchRun): void {
    this.#batches--;
    const { id } = batch;
    if (id !== noId) {
      this.#ids.delete(id);
      if (!this.#isClosed) {
        const results = new ValueWriter();
        batch.writeTo(results);
        this.#shared.encoder.result(id, results, this.#connection);
      }
    }
    if (this.#isInputPaused || this.#isClosing) this.#run();
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
    this.#kept.clear();
    this.#isClosing = true;
  }

  /** What was taken is answered before the connection is closed. */
  #endWhenAnswered(): void {
    if (this.#calls === 0 && this.#batches === 0) this.#connection.end();
  }

  #lookAtState(): void {
    this.#isPlain = this.#user?.isUnrestricted === true && !this.transaction.isOpen && !this.tracking.isOn;
  }
}
