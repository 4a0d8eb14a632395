import { assert } from '../../base/assert.ts';
import { slotOf } from '../../base/slot.ts';
import type { ReadView } from '../../base/view.ts';
import { GateRole, type PartitionGates } from '../../cluster/partition-gates.ts';
import type { Args } from '../../command/args.ts';
import type { Command, NodeCommand, PairCommand, WriteCommand } from '../../command/command.ts';
import { ReplyReader, type ReplySink, ReplyWriter } from '../../command/reply.ts';
import type { CommandTable } from '../../command/table.ts';
import type { KeyMap } from '../../routing/key-plan.ts';
import type { PartitionMap } from '../../routing/partition-map.ts';
import { RefusalReason } from '../../shard/guarded-reply.ts';
import { TRANSACTION_ROW } from '../../shard/transaction-message.ts';
import { BarrierSlots } from '../dispatch/barrier-slots.ts';
import type { CommandDispatcher } from '../dispatch/command-dispatcher.ts';
import { Dispatcher, type DispatcherParts, unusualWrites } from '../dispatch/dispatcher.ts';
import type { LocalReader } from '../dispatch/local-reader.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import { type PairPort, runPair } from '../dispatch/pair-run.ts';
import { type PatiencePort, runPatiently } from '../dispatch/patient-run.ts';
import { ReplyScratch } from '../dispatch/reply-scratch.ts';
import { runSteps, type StepPort } from '../dispatch/step-run.ts';
import type { Transaction, WatchedKey } from '../dispatch/transaction.ts';
import { faultWithin } from '../dispatch/transaction-plan.ts';
import type { RunOnConnection, TransactionFault } from '../dispatch/transaction-queue.ts';
import { ClusterTransaction, type ClusterTransactionsPort } from './cluster-transaction.ts';
import { KeyRouting } from './key-routing.ts';
import type { KeyRoutingParts } from './key-routing-parts.ts';
import { SurveyRouting } from './survey-routing.ts';
import type { ForwardedCommands, TargetSink } from './target.ts';
import { TouchedPartitions } from './touched-partitions.ts';
import { decodeTransaction } from './transaction-decoding.ts';

/** What a dispatcher needs of the cluster, beside what any needs. */
export type ClusterDispatcherOptions = Pick<
  KeyRoutingParts,
  'view' | 'links' | 'redirects' | 'forwardTimeoutMs' | 'replicaStalenessMs' | 'nowMs'
>;

/** How often replies that wait for other nodes are looked at, so that none waits for ever. */
const LOOK_MS = 500;
const nothing = new Uint8Array(0);

/**
 * Has a front end's commands run where they belong, on a node in a cluster: as `Dispatcher` does for one that is alone,
 * by shards of this node or by other nodes. Each is answered exactly once (I4), those of a connection in their order (I7).
 *
 * What a primary here holds is read from shared memory while its gates are open. A command over keys of several
 * partitions is run in parts, none of which waits for the others; one over all keys is run by all nodes, unless the
 * session speaks cluster itself: such a client asks every node for its own.
 */
export class ClusterDispatcher
  implements CommandDispatcher, ForwardedCommands, PairPort, PatiencePort, StepPort, ClusterTransactionsPort
{
  readonly map: PartitionMap;
  readonly routing: KeyRouting;
  readonly touched: TouchedPartitions;
  readonly execCommand: Command;
  readonly slots: BarrierSlots;
  readonly replyBytesMax: () => number;
  readonly #plain: Dispatcher;
  readonly #surveys: SurveyRouting;
  readonly #table: CommandTable;
  readonly #gates: PartitionGates;
  readonly #readers: readonly LocalReader[];
  readonly #options: ClusterDispatcherOptions;
  /** A partition as if it were a shard: where keys must be that are to be on one. */
  readonly #partitionMap: KeyMap;
  readonly #timer: NodeJS.Timeout;
  /** Of the read begun by `beginRead`: its shard (-1: there is none), and what `endRead` asks of the gates. */
  #reading = -1;
  #readSlot = 0;
  #readPartition = 0;
  #opened = 0;
  /** By row: see `unusualWrites`. */
  readonly #isUnusual: Uint8Array;
  #running = 0;
  /** It is closing, or loading: what a node by itself answers then is answered here. */
  #isClosed = false;
  #closing = false;

  constructor(parts: DispatcherParts, options: ClusterDispatcherOptions) {
    const { map, clients, readers, table, node } = parts;
    const { view } = options;
    this.map = map;
    this.replyBytesMax = parts.replyBytesMax ?? (() => Number.POSITIVE_INFINITY);
    this.#plain = new Dispatcher(parts);
    this.#table = table;
    this.#isUnusual = unusualWrites(table);
    this.#gates = view.gates;
    this.#readers = readers;
    this.#options = options;
    this.execCommand = table.named(TRANSACTION_ROW);
    this.slots = new BarrierSlots(parts.barrier ?? null);
    this.touched = new TouchedPartitions(map, table.commands);
    const answerDefect = (command: Command, error: unknown, reply: ReplyWriter): void =>
      this.answerDefect(command, error, reply);
    this.routing = new KeyRouting({
      ...options,
      table,
      map,
      clients,
      readers,
      scratch: new ReplyScratch(this.replyBytesMax),
      replyBytesMax: this.replyBytesMax,
      onSent: parts.onSent,
      onSurvey: (command, args, sink, onRefused) => this.#surveys.runHere(command, args, sink, onRefused),
      answerDefect,
    });
    this.#surveys = new SurveyRouting({
      map,
      gates: view.gates,
      readers,
      node,
      routing: this.routing,
      forwardTimeoutMs: options.forwardTimeoutMs,
      replyBytesMax: this.replyBytesMax,
      answerDefect,
    });
    this.routing.retries.onLook = () => this.#surveys.look();
    this.#partitionMap = {
      shardCount: map.partitionCount,
      shardOfKey: (bytes, start, end) => this.routing.partitionOfKey(bytes, start, end),
    };
    this.#timer = setInterval(() => {
      for (const client of clients) {
        if (client.outstanding > 0) {
          parts.onSent();
          break;
        }
      }
    }, LOOK_MS);
    this.#timer.unref();
  }

  execute(command: Command, args: Args, sink: ReplySink, session: OrderedSession | null = null): void {
    if (this.#isClosed) {
      this.#plain.execute(command, args, sink, session);
      return;
    }
    assert(session === null || !session.blocked, 'I7: a blocked session takes no command');
    switch (command.kind) {
      case 'read':
        this.routing.run(command, args, sink, session);
        return;
      case 'write':
        if (this.#isUnusual[command.id] === 1) this.#patiently(command, args, sink, session);
        else this.routing.run(command, args, sink, session);
        return;
      case 'pair':
        this.#pair(command, args, sink, session);
        return;
      case 'steps':
        runSteps(this, command, args, sink, session);
        return;
      case 'survey':
      case 'sweep': {
        const isOfAll = command.kind === 'sweep' && command.isClusterWide === true;
        const isLocal = !isOfAll && this.routing.isRedirected(session);
        if (command.kind === 'survey' && command.parts === 'cursor' && !isLocal) {
          this.#surveys.runCursor(command, args, sink, session);
        } else {
          this.#surveys.run(command, args, sink, session, isLocal);
        }
        return;
      }
      default:
        this.#plain.execute(command, args, sink, session);
    }
  }

  runForwarded(command: Command, args: Args, flags: number, sink: TargetSink): void {
    if (this.#isClosed) {
      sink.onRefused(RefusalReason.notPrimary, nothing, 0, 0);
    } else if (command === this.execCommand) {
      const decoded = decodeTransaction(args, this.#table.commands);
      if (decoded === null) this.#refuseForwarded(command, sink);
      else new ClusterTransaction(this, decoded.transaction, decoded.watched, null, sink, null, sink).start();
    } else if (command.kind === 'sweep' || (command.kind === 'survey' && command.parts !== 'cursor')) {
      this.#surveys.runPart(command, args, sink);
    } else if (
      command.kind === 'read' ||
      command.kind === 'write' ||
      command.kind === 'pair' ||
      command.kind === 'survey'
    ) {
      this.routing.runForwarded(command, args, flags, sink);
    } else {
      this.#refuseForwarded(command, sink);
    }
  }

  beginRead(bytes: Uint8Array, start: number, end: number, session: OrderedSession | null = null): ReadView | null {
    assert(this.#reading < 0, 'one read at a time');
    if (this.#isClosed) return null;
    const slot = slotOf(bytes, start, end);
    const partition = this.map.partitionOfSlot(slot);
    const opened = this.#gates.openForReads(partition);
    if (opened === 0 && !(session?.readsReplicas === true && this.#gates.role(partition) === GateRole.replica))
      return null;
    const shard = this.map.shardOfPartition(partition);
    const reader = this.#readers[shard] as LocalReader;
    if (!reader.enter()) return null;
    this.#reading = shard;
    this.#readSlot = slot;
    this.#readPartition = partition;
    this.#opened = opened;
    return reader;
  }

  endRead(): boolean {
    assert(this.#reading >= 0, 'a read was begun');
    // One key is whole whether or not a group was published meanwhile, so the verdict does not matter.
    (this.#readers[this.#reading] as LocalReader).leave();
    this.#reading = -1;
    const nowMs = this.routing.nowMs();
    if (this.#opened === 0)
      return this.#gates.stalenessMs(this.#readPartition, nowMs) <= this.#options.replicaStalenessMs;
    return this.#gates.mayAnswer(this.#readPartition, this.#readSlot, this.#opened, nowMs);
  }

  holdReads(): void {
    this.#plain.holdReads();
  }

  releaseReads(): void {
    this.#plain.releaseReads();
  }

  get inFlight(): number {
    return this.routing.inFlight + this.#running + this.#surveys.running + this.#plain.running;
  }

  /** Commands that wait for a node that takes them. */
  get waitingCommands(): number {
    return this.routing.waiting;
  }

  /** Replies that wait for other nodes. */
  get waitingReplies(): number {
    return this.routing.parked;
  }

  mailboxDepth(shard: number): number {
    return this.#plain.mailboxDepth(shard);
  }

  /** A link can be used that could not before. */
  look(): void {
    this.routing.retries.look();
  }

  set isLoading(isLoading: boolean) {
    this.#isClosed = isLoading || this.#closing;
    this.#plain.isLoading = isLoading;
  }

  close(): void {
    this.#closing = true;
    this.#isClosed = true;
    this.#plain.close();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#surveys.stop();
    this.routing.stop();
  }

  transactionFault(command: Command, args: Args): TransactionFault | null {
    if (command.kind === 'survey' || command.kind === 'sweep') {
      const message = `In a cluster '${command.name}' is of all nodes, and cannot be part of a transaction`;
      return { code: 'cross-slot', message };
    }
    return faultWithin(this.#partitionMap, command, args);
  }

  transact(
    transaction: Transaction,
    watched: readonly WatchedKey[],
    runOnConnection: RunOnConnection | null,
    sink: ReplySink,
    session: OrderedSession | null,
  ): void {
    if (this.#isClosed) {
      this.#plain.transact(transaction, watched, runOnConnection, sink, session);
      return;
    }
    const run = new ClusterTransaction(this, transaction, watched, runOnConnection, sink, session, null);
    // Whatever it holds, the session waits for it: one that is refused and sent again must not be overtaken.
    transaction.needsConnection = true;
    if (session === null) run.start();
    else session.blockUntilIdle(() => run.start());
  }

  versionsOf(args: Args, sink: ReplySink, session: OrderedSession | null): void {
    this.execute(this.#table.named('flux.versions'), args, sink, session);
  }

  runStep(name: string, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const command = this.#table.named(name);
    assert(command.kind === 'read' || command.kind === 'write', 'a step reads or writes');
    this.routing.run(command, args, sink, session);
  }

  runOwn(name: string, args: Args, sink: ReplySink): void {
    this.execute(this.#table.named(name), args, sink);
  }

  ask(command: Command, args: Args, sink: ReplySink): void {
    assert(command.kind === 'write', 'what waits is a write');
    if (this.#closing) this.#plain.execute(command, args, sink);
    else this.routing.run(command, args, sink, null);
  }

  runOnNode(command: NodeCommand & Command, args: Args, reply: ReplyWriter): undefined | Promise<void> {
    return this.#plain.runOnNode(command, args, reply);
  }

  answerDefect(command: Command, error: unknown, reply: ReplyWriter): void {
    this.#plain.answerDefect(command, error, reply);
  }

  runBegan(): void {
    this.#running++;
  }

  runEnded(): void {
    this.#running--;
  }

  #patiently(command: WriteCommand & Command, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const { patience } = command;
    const waitMs = patience?.waitMs(args) ?? 0;
    if (patience !== undefined && waitMs > 0) runPatiently(this, command, patience, waitMs, args, sink, session);
    else this.routing.run(command, args, sink, session);
  }

  /** Two keys of one partition are on one shard whatever becomes of it; else it goes step by step. */
  #pair(command: PairCommand & Command, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const { routing } = this;
    const one = routing.partitionOfKey(args.bytes, args.start(0), args.end(0));
    if (one === routing.partitionOfKey(args.bytes, args.start(1), args.end(1))) {
      routing.run(command, args, sink, session);
      return;
    }
    runPair(this, command, args, sink, session);
  }

  #refuseForwarded(command: Command, sink: TargetSink): void {
    const writer = new ReplyWriter();
    writer.error('bad-request', `'${command.name}' is not run for other nodes`);
    const reader = new ReplyReader();
    reader.openWritten(writer);
    sink.onReply(reader);
  }
}
