import { Args } from '../../command/args.ts';
import type { Command, NodeCommand } from '../../command/command.ts';
import { ReplyKind, ReplyReader, type ReplySink, ReplyWriter } from '../../command/reply.ts';
import type { KeyMap } from '../../routing/key-plan.ts';
import type { PartitionMap } from '../../routing/partition-map.ts';
import { RefusalReason } from '../../shard/guarded-reply.ts';
import { Admission } from '../../shard/shard-client.ts';
import type { BarrierSlots } from '../dispatch/barrier-slots.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import type { RunCount } from '../dispatch/run-count.ts';
import type { Transaction, WatchedKey } from '../dispatch/transaction.ts';
import type { RunOnConnection } from '../dispatch/transaction-queue.ts';
import { TransactionRun, type TransactionShards } from '../dispatch/transaction-run.ts';
import type { Flight } from './flight.ts';
import type { KeyRouting } from './key-routing.ts';
import { errorOfRefusal, isPassing } from './refusal-errors.ts';
import { TargetFlag, type TargetSink } from './target.ts';
import type { TouchedPartitions } from './touched-partitions.ts';

/** What transactions of a cluster need of the dispatcher. */
export interface ClusterTransactionsPort extends RunCount {
  readonly map: PartitionMap;
  readonly routing: KeyRouting;
  readonly touched: TouchedPartitions;
  readonly execCommand: Command;
  readonly slots: BarrierSlots;
  readonly replyBytesMax: () => number;
  runOnNode(command: NodeCommand & Command, args: Args, reply: ReplyWriter): undefined | Promise<void>;
  answerDefect(command: Command, error: unknown, reply: ReplyWriter): void;
}

/**
 * One transaction in a cluster: all its keys are of one node, whose shards run it, this one's or another's. Refused, it is
 * sent again as a whole, since nothing of it ran. Its session waits until it is answered.
 */
export class ClusterTransaction implements TransactionShards {
  map: KeyMap;
  readonly replyBytesMax: () => number;
  readonly slots: BarrierSlots;
  readonly #port: ClusterTransactionsPort;
  readonly #transaction: Transaction;
  readonly #watched: readonly WatchedKey[];
  readonly #runOnConnection: RunOnConnection | null;
  readonly #sink: ReplySink;
  readonly #session: OrderedSession | null;
  /** Another node asked: it is run by shards of this node, or refused. */
  readonly #asker: TargetSink | null;
  readonly #flight: Flight;
  readonly #partitions: readonly number[];
  /** Why a part was refused at this attempt. */
  #refused: RefusalReason | null = null;
  #prepareFlags = 0;

  constructor(
    port: ClusterTransactionsPort,
    transaction: Transaction,
    watched: readonly WatchedKey[],
    runOnConnection: RunOnConnection | null,
    sink: ReplySink,
    session: OrderedSession | null,
    asker: TargetSink | null,
  ) {
    this.#port = port;
    this.map = port.map;
    this.replyBytesMax = port.replyBytesMax;
    this.slots = port.slots;
    this.#transaction = transaction;
    this.#watched = watched;
    this.#runOnConnection = runOnConnection;
    this.#sink = sink;
    this.#session = session;
    this.#asker = asker;
    this.#flight = port.routing.flight(port.execCommand, this, session);
    this.#partitions = this.#collect();
    port.runBegan();
  }

  start(): void {
    const { routing } = this.#port;
    const fault = this.#partitions.length === 0 ? null : routing.fault();
    if (fault !== null) {
      if (this.#asker !== null) this.#refuse(RefusalReason.noLease);
      else this.#answer((reply) => reply.error(fault.code, fault.message));
      return;
    }
    this.#attempt(true);
  }

  /** The reply of the run. */
  onReply(reply: ReplyReader): void {
    const isUnknown = reply.kind === ReplyKind.error && reply.errorCode === 'indeterminate';
    if (this.#refused !== null && !isUnknown) {
      this.#refuse(this.#refused);
      return;
    }
    this.#deliver(reply);
  }

  prepareExec(target: number, args: Args): Admission {
    const to = this.#port.routing.target(target);
    if (to === null || !to.isUp) return Admission.unreachable;
    return to.prepare(this.#port.execCommand.id, args, this.#prepareFlags);
  }

  commitExec(target: number, sink: ReplySink): void {
    const { routing } = this.#port;
    const flight = routing.flight(this.#port.execCommand, sink, this.#session);
    flight.asker = { onReply: (reply) => sink.onReply(reply), onRefused: (reason) => this.#partRefused(sink, reason) };
    routing.commit(flight, target, this.#partitions);
  }

  runOnNode(command: NodeCommand & Command, args: Args, reply: ReplyWriter): undefined | Promise<void> {
    return this.#port.runOnNode(command, args, reply);
  }

  refuseAdmission(sink: ReplySink, admission: Admission): void {
    if (admission === Admission.unreachable) {
      this.#refused = RefusalReason.offline;
      tellAgain(sink);
    } else if (admission === Admission.overloaded) {
      if (this.#asker !== null) this.#refused = RefusalReason.overloaded;
      answer(sink, (reply) => reply.error('overloaded', 'too many commands wait for the shard; nothing was run'));
    } else {
      answer(sink, (reply) => reply.error('request-too-large', 'the transaction is over the limit'));
    }
  }

  answerDefect(command: Command, error: unknown, reply: ReplyWriter): void {
    this.#port.answerDefect(command, error, reply);
  }

  runBegan(): void {
    this.#port.runBegan();
  }

  runEnded(): void {
    this.#port.runEnded();
  }

  #collect(): readonly number[] {
    const { touched } = this.#port;
    touched.clear();
    for (const { key } of this.#watched) touched.addKey(key, 0, key.length);
    const args = new Args();
    for (const [index, command] of this.#transaction.commands.entries()) {
      this.#transaction.argsOf(index, args);
      touched.add(command, args);
    }
    return [...touched.distinct];
  }

  #attempt(isNew: boolean): void {
    const { routing, map } = this.#port;
    const { routes } = routing;
    this.#refused = null;
    let node = -1;
    let isLocal = false;
    if (routes.resumesTooSoon(this.#partitions)) {
      this.#wait();
      return;
    }
    for (const partition of this.#partitions) {
      const isSendable = isNew ? routes.isFree(partition) : routes.isSettled(partition);
      if (!isSendable || !routing.isOpen(partition)) {
        this.#wait();
        return;
      }
      const target = routes.targetOf(partition);
      if (routes.isLocal(target)) isLocal = true;
      else if (node < 0 || node === target) node = target;
      else node = Number.POSITIVE_INFINITY;
    }
    if (node >= 0 && this.#asker !== null) {
      this.#refuse(RefusalReason.notPrimary);
      return;
    }
    if ((node >= 0 && isLocal) || node === Number.POSITIVE_INFINITY) {
      const message = 'In a cluster, all keys of a transaction must be on one node';
      this.#answer((reply) => reply.error('cross-slot', message));
      return;
    }
    // To the plan, another node is one more shard, which has all keys.
    this.map = node < 0 ? map : { shardCount: node + 1, shardOfKey: () => node };
    this.#prepareFlags = this.#partitions.some((partition) => routes.isFenced(partition)) ? TargetFlag.resumes : 0;
    new TransactionRun(this, this.#transaction, this.#watched, this.#runOnConnection, this, null).start();
  }

  #partRefused(sink: ReplySink, reason: RefusalReason): void {
    // What cannot be helped by another attempt counts most.
    if (this.#refused === null || isPassing(this.#refused)) this.#refused = reason;
    tellAgain(sink);
  }

  #wait(): void {
    if (this.#asker !== null) {
      this.#refuse(RefusalReason.notPrimary);
      return;
    }
    this.#port.routing.wait(this.#flight, this.#partitions, this.#transaction.length, {
      send: () => this.#attempt(false),
      giveUp: (code, message) => this.#answer((reply) => reply.error(code, message)),
    });
  }

  /** Nothing ran. */
  #refuse(reason: RefusalReason): void {
    this.#flight.reason = reason;
    if (this.#asker !== null) {
      this.#port.runEnded();
      this.#asker.onRefused(reason, new Uint8Array(0), 0, 0);
    } else if (isPassing(reason)) {
      this.#wait();
    } else {
      const { code, message } = errorOfRefusal(reason);
      this.#answer((reply) => reply.error(code, message));
    }
  }

  #answer(write: (reply: ReplyWriter) => void): void {
    answer({ onReply: (reply) => this.#deliver(reply) }, write);
  }

  #deliver(reply: ReplyReader): void {
    this.#port.runEnded();
    try {
      this.#sink.onReply(reply);
    } finally {
      this.#session?.unblock();
    }
  }
}

/** The part's reply is of no use: the whole transaction is tried again. */
function tellAgain(sink: ReplySink): void {
  answer(sink, (reply) => reply.error('try-again', 'the transaction was not run'));
}

function answer(sink: ReplySink, write: (reply: ReplyWriter) => void): void {
  const writer = new ReplyWriter();
  write(writer);
  const reader = new ReplyReader();
  reader.openWritten(writer);
  sink.onReply(reader);
}
