import { errors } from '../../base/errors.ts';
import { Args } from '../../command/args.ts';
import type { AskingCommand, Command, ConnectionCommand } from '../../command/command.ts';
import { ReplyKind, ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { encodeErrorLine, encodeFoundValue, encodeReply } from '../../protocol/resp/reply-encoder.ts';
import { Decoded, RequestDecoder } from '../../protocol/resp/request-decoder.ts';
import { copyArgs, copySmallArgs } from '../dispatch/copy-args.ts';
import { OrderedSession } from '../dispatch/ordered-session.ts';
import { refusedWhileSubscribed, subscribedPong } from '../pubsub/subscribed-mode.ts';
import type { ConnectionClient } from '../session/connection-client.ts';
import { type CommandTaker, InputLoop } from '../session/input-loop.ts';
import type { Session, SessionConnection } from '../session/session.ts';
import { refusalOfHttp } from './http-refusal.ts';
import { type OrderedReplies, ReplyOrder, type ReplySlot } from './reply-order.ts';
import { RESP3, RespConnection, SILENT } from './resp-connection.ts';
import type { RespNode } from './resp-node.ts';

/** What the slow log may tell of a command after its input is gone: more bytes of arguments are not kept for it. */
const LOGGED_BYTES_MAX = 4096;

/** What is answered without being run; filled and sent within one call. */
const refusal = new ReplyWriter();
const opener = new ReplyReader();

const getCommand = commandTable.named('get');
const pingCommand = commandTable.named('ping');
const execCommand = commandTable.named('exec');
const replyCommand = commandTable.named('client|reply');

type ConnectionRow = (AskingCommand | ConnectionCommand) & Command;

/**
 * One connection that speaks RESP: decodes commands, sees to it that its user may run them, has them run in their order
 * and writes their replies in that order, in the version the client chose.
 *
 * It takes commands until something holds it: a congested output, as many commands under way as it may have, a command
 * over all shards, or one that changes the connection itself and is run when all before it are answered. What arrived by
 * then is kept by the decoder, and the socket is not read.
 */
export class RespSession implements Session, CommandTaker, OrderedReplies {
  readonly #node: RespNode;
  readonly #connection: SessionConnection;
  readonly #decoder: RequestDecoder;
  readonly #ordered: OrderedSession;
  readonly #order: ReplyOrder;
  readonly #state: RespConnection;
  readonly #loop: InputLoop;
  /** A command that waits: until all before it are answered, or until commands are no longer held back. */
  #deferred: Command | null = null;
  #deferredArgs = new Args();
  #isHeldBack = false;
  #forgetPause: (() => void) | null = null;
  /** A connection command that has not answered yet. */
  #isAwaiting = false;
  /** What a connection is told whose bytes are no commands, behind all that is owed to it. */
  #lastWords: (() => void) | null = null;

  constructor(node: RespNode, connection: SessionConnection) {
    this.#node = node;
    this.#connection = connection;
    const { limits } = node;
    this.#decoder = new RequestDecoder({
      argsMax: limits.argumentsMax,
      bulkBytesMax: limits.bulkBytesMax,
      commandBytesMax: limits.commandBytesMax,
    });
    this.#ordered = new OrderedSession(node.shardCount);
    this.#ordered.onReady = () => this.#loop.run();
    this.#order = new ReplyOrder(this);
    this.#state = new RespConnection(node, connection, this.#ordered, this.#order, () => this.#decoder.bufferedBytes);
    this.#loop = new InputLoop(node, connection, this.#state, this);
    this.#decoder.isLoginDue = this.#state.user === null;
  }

  get client(): ConnectionClient {
    return this.#state.client;
  }

  get inFlight(): number {
    return this.#order.count + (this.#deferred === null ? 0 : 1);
  }

  get isHeld(): boolean {
    return this.#loop.isHeld;
  }

  get bufferedBytes(): number {
    return this.#decoder.bufferedBytes;
  }

  receive(bytes: Uint8Array): void {
    this.#decoder.feed(bytes);
    this.#loop.run();
  }

  resume(): void {
    this.#loop.run();
  }

  inputEnded(): void {
    this.#ordered.isGone = true;
  }

  close(): void {
    this.#loop.close();
    this.#forgetPause?.();
    this.#order.close();
    this.#state.close();
  }

  // The way of a command.

  takeNext(): boolean {
    if (this.#deferred !== null) {
      this.#runDeferred(this.#deferred);
      return true;
    }
    switch (this.#decoder.next()) {
      case Decoded.command:
        this.#command(this.#decoder.args);
        return true;
      case Decoded.protocolError:
        this.#refuseProtocol();
        return true;
      case Decoded.crossProtocol:
        this.#refuseHttp();
        return true;
      default:
        return false;
    }
  }

  mayTake(): boolean {
    if (this.#state.isClosing || this.#isAwaiting || this.#connection.isCongested) return false;
    if (this.#deferred !== null)
      return !this.#isHeldBack && (this.#order.count === 0 || !waitsForOthers(this.#deferred));
    return !this.#ordered.blocked && this.#order.count < this.#node.limits.pipelineMax;
  }

  onRest(): void {
    this.#decoder.keep();
  }

  #command(args: Args): void {
    const decoder = this.#decoder;
    const { client } = this;
    client.commandCount++;
    refusal.clear();
    const { table, limits } = this.#node;
    const { nameStart, nameEnd } = decoder;
    const command = table.resolve(args.bytes, nameStart, nameEnd, args, limits.keyBytesMax, refusal);
    if (command === null || !this.#isAllowed(command, args)) {
      if (table.find(args.bytes, nameStart, nameEnd) === execCommand) this.#abortTransaction();
      else if (this.#state.transaction.isOpen) this.#state.transaction.abort();
      this.#refuse();
      return;
    }
    client.lastCommand = command.name;
    const { clients } = this.#node;
    if (clients.isPaused && clients.holds(command)) {
      this.#defer(command, args);
      this.#isHeldBack = true;
      this.#forgetPause = clients.whenUnpaused(() => {
        this.#isHeldBack = false;
        this.#loop.run();
      });
      return;
    }
    this.#take(command, args);
  }

  /** Runs a command that may be run, or defers it until all before it are answered. */
  #take(command: Command, args: Args): void {
    if (
      this.#order.count > 0 &&
      waitsForOthers(command) &&
      !(this.#state.transaction.isOpen && this.#state.transaction.takes(command))
    ) {
      this.#defer(command, args);
      return;
    }
    if (this.#state.isPlain) {
      if (command.kind === 'connection') this.#onConnection(command, args);
      else if (command !== getCommand || this.#order.count > 0 || !this.#getAtOnce(args)) this.#execute(command, args);
      return;
    }
    this.#runSpecial(command, args);
  }

  /** As in Redis, whatever refuses EXEC is the end of its transaction; `refusal` says what it was. */
  #abortTransaction(): void {
    opener.openWritten(refusal);
    const { respPrefix } = errors[opener.errorCode];
    const reason = respPrefix === 'ERR' ? opener.text : `${respPrefix} ${opener.text}`;
    refusal.clear();
    refusal.error('transaction-aborted', `Transaction discarded because of: ${reason}`);
    this.#state.transaction.reset();
  }

  #defer(command: Command, args: Args): void {
    this.#deferred = command;
    this.#deferredArgs = copyArgs(args);
  }

  /** Whether the user may run this; else `refusal` says why not. */
  #isAllowed(command: Command, args: Args): boolean {
    const { user } = this.#state;
    if (user === null) {
      if (command.flags.includes('no_auth')) return true;
      refusal.error('unauthenticated', 'Authentication required.');
      return false;
    }
    if (user.isUnrestricted) return true;
    const denial = user.denialOf(command, args);
    if (denial === null) return true;
    refusal.error(denial.code, denial.message);
    return false;
  }

  #execute(command: Command, args: Args): void {
    this.#node.commands.execute(command, args, this.#begin(command, args), this.#ordered);
  }

  #begin(command: Command, args: Args): ReplySlot {
    this.#state.taken++;
    const beganMs = this.#node.counts.begin(command);
    const slot = this.#order.begin(command, this.#state.mode, beganMs);
    if (!Number.isNaN(beganMs)) slot.args = copySmallArgs(args, LOGGED_BYTES_MAX);
    return slot;
  }

  /** With a transaction open, subscribed, tracking, or with replies turned off. */
  #runSpecial(command: Command, args: Args): void {
    const { transaction, tracking } = this.#state;
    if (this.#state.resp === 2 && this.#state.subscriptions.isSubscribed) {
      const reason = refusedWhileSubscribed(command);
      if (reason !== null) {
        refusal.error('bad-request', reason);
        if (command === execCommand) this.#abortTransaction();
        this.#refuse();
        return;
      }
      if (command === pingCommand) {
        subscribedPong(args, refusal);
        this.#refuse();
        return;
      }
    }
    if (transaction.isOpen && transaction.takes(command)) {
      if (tracking.isOn) tracking.queued(command, args);
      transaction.queue(command, args, refusal);
      this.#refuse();
    } else if (command.kind === 'connection') {
      this.#onConnection(command, args);
    } else if (tracking.isOn) {
      const slot = this.#begin(command, args);
      tracking.willRead(command, args);
      this.#node.commands.execute(command, args, slot, this.#ordered);
      tracking.ran(command);
    } else {
      this.#execute(command, args);
    }
    if (command.kind !== 'connection') this.#useUpSkip();
    this.#state.look();
  }

  #onConnection(command: ConnectionRow, args: Args): void {
    const slot = this.#begin(command, args);
    if (command.start !== undefined) {
      command.start(this.#state, args, slot);
      this.#useUpSkip();
    } else {
      // What keeps its place has its reply at once.
      const writer = command.place === 'in-order' ? refusal : new ReplyWriter();
      this.#settle(slot, this.#state.run(command, args, writer), writer);
    }
    if (this.#state.tracking.isOn) this.#state.tracking.ran(command);
    this.#state.look();
  }

  /** A command was handed over, or answered: what CLIENT REPLY SKIP said is not of the next one. */
  #useUpSkip(): void {
    if (this.client.replyMode !== 'skip') return;
    this.client.replyMode = 'on';
    this.#state.look();
  }

  /** GET with nothing before it: the value goes from shared memory to where it is sent from. */
  #getAtOnce(args: Args): boolean {
    const { commands, counts } = this.#node;
    const beganMs = counts.begin(getCommand);
    const view = commands.beginRead(args.bytes, args.start(0), args.end(0), this.#ordered);
    if (view === null) return false;
    let written = 0;
    let holds = false;
    try {
      const isFound = view.lookup(args.bytes, args.start(0), args.end(0));
      written = encodeFoundValue(isFound ? view : null, this.#connection, this.#state.resp);
    } finally {
      holds = commands.endRead();
    }
    if (!holds) {
      this.#connection.giveBack(written);
      return false;
    }
    counts.end(getCommand, beganMs);
    return true;
  }

  #runDeferred(command: Command): void {
    this.#deferred = null;
    refusal.clear();
    this.#take(command, this.#deferredArgs);
  }

  #settle(slot: ReplySlot, outcome: undefined | Promise<void>, writer: ReplyWriter): void {
    if (outcome === undefined) {
      this.#answer(slot, writer);
      return;
    }
    this.#isAwaiting = true;
    // What it throws was answered; what is thrown from here on is a defect of the session.
    void outcome
      .then(() => {
        this.#isAwaiting = false;
        this.#answer(slot, writer);
        this.#loop.run();
      })
      .catch((error: unknown) => this.#loop.defect(error));
  }

  /** The reply of a command that changed the connection: in the version it chose, and none at all where it wrote none. */
  #answer(slot: ReplySlot, writer: ReplyWriter): void {
    this.#state.look();
    this.#decoder.isLoginDue = this.#state.user === null;
    slot.mode = this.#state.mode;
    if (slot.command !== replyCommand) this.#useUpSkip();
    if (writer.length === 0) {
      writer.null();
      slot.mode = SILENT;
    }
    slot.onReply(opened(writer));
  }

  /** Answers with what `refusal` holds. */
  #refuse(): void {
    this.#state.taken++;
    this.#order.begin(null, this.#state.mode, Number.NaN).onReply(opened(refusal));
    this.#useUpSkip();
  }

  onOrderedReply(slot: ReplySlot, reply: ReplyReader): void {
    try {
      this.#write(slot, reply);
    } catch (error) {
      this.#loop.defect(error);
    }
  }

  #write(slot: ReplySlot, reply: ReplyReader): void {
    const { command, beganMs } = slot;
    if (reply.kind === ReplyKind.error) this.#node.counters.error(errors[reply.errorCode].id);
    if ((slot.mode & SILENT) === 0) encodeReply(reply, this.#connection, slot.mode === RESP3 ? 3 : 2);
    if (command !== null) this.#state.count(command, beganMs, slot.args);
    this.#state.answeredOne();
    if (this.#state.isClosing) this.#endWhenAnswered();
    else if (this.#loop.isHeld) this.#loop.run();
  }

  #refuseProtocol(): void {
    // The words hold bytes of the request, which are not UTF-8.
    const line = `ERR Protocol error: ${this.#decoder.error}`;
    this.#node.counters.error(errors['bad-request'].id);
    this.#endWith(() => encodeErrorLine(line, this.#connection));
  }

  /** Somebody took this port for that of HTTP, or has a browser send commands in the body of a request. */
  #refuseHttp(): void {
    this.#node.log.warn({ client: this.client.id, address: this.client.address }, 'connection closed: it speaks HTTP');
    this.#endWith(() => {
      const text = refusalOfHttp(this.#node.httpPort());
      const at = this.#connection.reserve(text.length);
      this.#connection.bytes.set(text, at);
    });
  }

  /** Takes no more commands, and closes with these words behind all that is owed. */
  #endWith(lastWords: () => void): void {
    this.#state.isClosing = true;
    this.#lastWords = lastWords;
    this.#endWhenAnswered();
  }

  #endWhenAnswered(): void {
    if (this.#order.count > 0) return;
    this.#lastWords?.();
    this.#lastWords = null;
    this.#connection.end();
  }
}

/** A reader at the beginning of what was written, for one use at once. */
function opened(writer: ReplyWriter): ReplyReader {
  opener.openWritten(writer);
  return opener;
}

function waitsForOthers(command: Command): boolean {
  return command.kind === 'connection' && command.place !== 'in-order';
}
