import { AssertionError } from '../../base/assert.ts';
import type { Args } from '../../command/args.ts';
import type { Command, ConnectionCommand } from '../../command/command.ts';
import type { ClientsPort, ConnectionPort } from '../../command/connection.ts';
import type { NodePort } from '../../command/node-port.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import { type AccessUser, everybody } from '../access/rights.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import { TransactionQueue } from '../dispatch/transaction-queue.ts';
import { ConnectionSubscriptions } from '../pubsub/connection-subscriptions.ts';
import type { Push, PushFormat, PushTarget } from '../pubsub/push.ts';
import { ConnectionTracking } from '../tracking/connection-tracking.ts';
import { AfterReplies } from './after-replies.ts';
import { ConnectionClient, type SessionFacts } from './connection-client.ts';
import type { SessionConnection } from './session.ts';
import type { SessionNode } from './session-node.ts';

type LoginOutcome = Awaited<ReturnType<SessionNode['access']['login']>>;

/** How a session is one of its protocol. */
export interface SessionProtocol {
  readonly name: 'resp' | 'msgpack';
  /** Bytes kept that no command was made of yet. */
  bufferedBytes(): number;
}

/**
 * What a connection is beside its stream of commands: its user, subscriptions, transaction and what it tracks, as commands
 * see and change it. Each protocol adds how it tells which of its commands are answered, and how pushes are written.
 */
export abstract class SessionState implements ConnectionPort, PushTarget, SessionFacts {
  readonly client: ConnectionClient;
  readonly subscriptions: ConnectionSubscriptions;
  readonly tracking: ConnectionTracking;
  readonly transaction: TransactionQueue;
  /** Null before one logged in where credentials are asked for. */
  user: AccessUser | null;
  /** A command asked to close the connection when it is answered, or its bytes are no commands. */
  isClosing = false;
  isExecuting = false;
  abstract resp: 2 | 3;
  abstract readonly taken: number;
  abstract readonly answered: number;
  /** Nobody is there for whom to subscribe to anything. */
  #isGone = false;
  readonly #node: SessionNode;
  readonly #connection: SessionConnection;
  readonly #protocol: SessionProtocol;
  readonly #ordered: OrderedSession;
  readonly #afterReplies = new AfterReplies();

  constructor(node: SessionNode, connection: SessionConnection, ordered: OrderedSession, protocol: SessionProtocol) {
    this.#node = node;
    this.#connection = connection;
    this.#protocol = protocol;
    this.#ordered = ordered;
    this.user = node.access.isOpen ? everybody : null;
    this.client = new ConnectionClient(connection, protocol.name, this);
    this.subscriptions = new ConnectionSubscriptions(node.channels, this);
    this.tracking = new ConnectionTracking(node.tracker, this, this.subscriptions, ordered);
    this.transaction = new TransactionQueue(node.commands, ordered);
    this.transaction.runOnConnection = (command, args, reply) => this.runQueued(command, args, reply);
    this.transaction.onExecute = () => {
      if (this.tracking.isOn) this.tracking.willExec();
    };
    node.clients.add(this.client);
  }

  /** The connection is gone: gives back all that was held for it. */
  close(): void {
    this.#isGone = true;
    this.#ordered.isGone = true;
    this.#afterReplies.clear();
    this.subscriptions.clear();
    this.tracking.close();
    this.transaction.reset();
    this.#node.clients.remove(this.client);
  }

  /** Runs a command on this connection; one that throws what is no assertion is answered as a defect. */
  run(command: ConnectionCommand & Command, args: Args, reply: ReplyWriter): undefined | Promise<void> {
    try {
      return command.run(this, args, reply)?.catch((error: unknown) => this.#answerDefect(command, error, reply));
    } catch (error) {
      this.#answerDefect(command, error, reply);
      return undefined;
    }
  }

  /** To be called after whatever may have changed the connection's state: a session keeps what it looks at often. */
  abstract look(): void;

  /** Runs a command that MULTI queued, when EXEC comes to it. */
  protected runQueued(command: Command, args: Args, reply: ReplyWriter): undefined | Promise<void> {
    if (this.#isGone || command.kind !== 'connection' || command.start !== undefined) return undefined;
    this.isExecuting = true;
    const settled = this.run(command, args, reply);
    this.isExecuting = false;
    this.look();
    return settled?.then(() => this.look());
  }

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
  get bufferedBytes(): number {
    return this.#protocol.bufferedBytes();
  }
  get userName(): string | null {
    return this.user?.name ?? null;
  }

  /** Whether the socket is to be read although nothing is taken. */
  get mustListen(): boolean {
    return this.#ordered.endsWhenGone && this.bufferedBytes === 0;
  }

  get wantsRedirects(): boolean {
    return this.#ordered.wantsRedirects;
  }
  set wantsRedirects(wants: boolean) {
    this.#ordered.wantsRedirects = wants;
  }
  get readsReplicas(): boolean {
    return this.#ordered.readsReplicas;
  }
  set readsReplicas(reads: boolean) {
    this.#ordered.readsReplicas = reads;
  }

  login(name: string, password: string, reply: ReplyWriter): boolean | Promise<boolean> {
    const admit = (outcome: LoginOutcome): boolean => {
      if ('code' in outcome) {
        const isWrong = outcome.code === 'wrong-password';
        reply.error(outcome.code, isWrong ? 'invalid username-password pair or user is disabled.' : outcome.message);
        return false;
      }
      this.user = outcome;
      return true;
    };
    const outcome = this.#node.access.login(name, password, this.#connection.remoteAddress);
    return outcome instanceof Promise ? outcome.then(admit) : admit(outcome);
  }

  reset(): void {
    this.client.name = '';
    this.client.replyMode = 'on';
    this.subscriptions.clear();
    this.tracking.reset();
    this.transaction.reset();
    this.wantsRedirects = false;
    this.readsReplicas = false;
    this.user = this.#node.access.isOpen ? everybody : null;
  }

  closeAfterReply(): void {
    this.isClosing = true;
  }

  // What is sent unasked.

  send(push: Push): void {
    const bytes = push.encodedAs(this.pushFormat);
    const at = this.#connection.reserve(bytes.length);
    this.#connection.bytes.set(bytes, at);
  }

  whenAnswered(task: () => void): void {
    if (this.answered === this.taken) task();
    else this.#afterReplies.add(this.taken, task);
  }

  /** Counts a command that was answered and keeps a slow one; `args` where they are still there. */
  count(command: Command, beganMs: number, args: Args | null): void {
    const elapsedMs = this.#node.counts.end(command, beganMs);
    const { slowLog } = this.#node;
    // False, too, when it was not measured.
    if (elapsedMs > slowLog.thresholdMs && !command.flags.includes('skip_slowlog')) {
      slowLog.add(command.name, args, elapsedMs, this.client);
    }
  }

  protected abstract readonly pushFormat: PushFormat;

  /** To be called behind every answer that moves `answered`. */
  protected runWhatWaited(): void {
    if (!this.#afterReplies.isEmpty) this.#afterReplies.run(this.answered);
  }

  #answerDefect(command: Command, error: unknown, reply: ReplyWriter): void {
    if (error instanceof AssertionError) throw error;
    this.#node.log.error({ err: error, command: command.name }, 'a command failed in a way it must not');
    reply.clear();
    reply.error('internal', `the command '${command.name}' failed; the log says more`);
  }
}
