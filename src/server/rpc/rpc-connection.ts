import type { ClientsPort, ConnectionPort } from '../../command/connection.ts';
import type { NodePort } from '../../command/node-port.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import { type AccessUser, everybody } from '../access/rights.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import { TransactionQueue } from '../dispatch/transaction-queue.ts';
import { AfterReplies } from '../pubsub/after-replies.ts';
import { ConnectionSubscriptions } from '../pubsub/connection-subscriptions.ts';
import type { Push, PushTarget } from '../pubsub/push.ts';
import { UnorderedAnswers } from '../pubsub/unordered-answers.ts';
import { ConnectionClient, type SessionFacts } from '../tcp/connection-client.ts';
import type { SessionConnection } from '../tcp/session.ts';
import { ConnectionTracking } from '../tracking/connection-tracking.ts';
import { rpcPushFormat } from './push-format.ts';
import type { RpcNode } from './rpc-node.ts';

type LoginOutcome = Awaited<ReturnType<RpcNode['access']['login']>>;

/** What a connection is beside its stream of requests: its user, subscriptions, transaction; as commands see it. */
export class RpcConnection implements ConnectionPort, PushTarget, SessionFacts {
  readonly client: ConnectionClient;
  readonly subscriptions: ConnectionSubscriptions;
  readonly tracking: ConnectionTracking;
  readonly transaction: TransactionQueue;
  /** Pushes may come at any time, as in RESP3. */
  readonly resp = 3;
  /** Null before one logged in where credentials are asked for. */
  user: AccessUser | null;
  /** A command asked to close the connection when it is answered. */
  isClosing = false;
  /** Requests that are run by themselves, begun and not answered: what is in flight but for batches. */
  calls = 0;
  readonly #node: RpcNode;
  readonly #connection: SessionConnection;
  readonly #bufferedBytes: () => number;
  readonly #afterReplies = new AfterReplies();
  readonly #answers = new UnorderedAnswers();

  constructor(node: RpcNode, connection: SessionConnection, ordered: OrderedSession, bufferedBytes: () => number) {
    this.#node = node;
    this.#connection = connection;
    this.#bufferedBytes = bufferedBytes;
    this.user = node.access.isOpen ? everybody : null;
    this.client = new ConnectionClient(connection, 'msgpack', this);
    this.subscriptions = new ConnectionSubscriptions(node.channels, this);
    this.tracking = new ConnectionTracking(node.tracker, this, this.subscriptions, ordered);
    this.transaction = new TransactionQueue(node.commands, ordered);
    this.transaction.runOnConnection = (command, args, reply) =>
      command.kind === 'connection' ? command.run(this, args, reply) : undefined;
    node.clients.add(this.client);
  }

  close(): void {
    this.#afterReplies.clear();
    this.subscriptions.clear();
    this.tracking.close();
    this.transaction.reset();
    this.#node.clients.remove(this.client);
  }

  /** A command needs no look at anything before it is run: all are allowed, none is queued, no key is noted. */
  get isPlain(): boolean {
    return this.user?.isUnrestricted === true && !this.transaction.isOpen && !this.tracking.isOn;
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
    return this.#bufferedBytes();
  }
  get userName(): string | null {
    return this.user?.name ?? null;
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
    this.subscriptions.clear();
    this.tracking.reset();
    this.transaction.reset();
    this.user = this.#node.access.isOpen ? everybody : null;
  }

  closeAfterReply(): void {
    this.isClosing = true;
  }

  // What is sent unasked, between answers.

  /** A request is taken; what is returned is to be given to `answeredOne` when its answer is written. */
  tookOne(): number {
    return this.#answers.begin();
  }

  answeredOne(generation: number): void {
    this.#answers.end(generation);
    if (!this.#afterReplies.isEmpty) this.#afterReplies.run(this.answered);
  }

  get taken(): number {
    return this.#answers.taken;
  }

  get answered(): number {
    return this.#answers.answered;
  }

  send(push: Push): void {
    const bytes = push.encodedAs(rpcPushFormat);
    const at = this.#connection.reserve(bytes.length);
    this.#connection.bytes.set(bytes, at);
  }

  whenAnswered(task: () => void): void {
    if (this.answered === this.taken) task();
    else this.#afterReplies.add(this.taken, task);
  }
}
