import { AssertionError, assert, unreachable } from '../../base/assert.ts';
import type { ErrorCode } from '../../base/errors.ts';
import type { ReadView } from '../../base/view.ts';
import { LOADING } from '../../command/administration/snapshot-refusal.ts';
import { Args } from '../../command/args.ts';
import type {
  Command,
  LateReply,
  NodeCommand,
  NodePort,
  PairCommand,
  ReadCommand,
  SurveyCommand,
  SweepCommand,
  WriteCommand,
} from '../../command/command.ts';
import { ReplyKind, type ReplyWriter } from '../../command/reply.ts';
import { type CommandTable, lastKeyOf } from '../../command/table.ts';
import { tellTooLarge } from '../../command/tell-too-large.ts';
import type { PartitionMap } from '../../routing/partition-map.ts';
import type { Barrier } from '../../shard/barrier.ts';
import { Admission, type ReplySink, type ShardClient } from '../../shard/shard-client.ts';
import { TRANSACTION_ROW } from '../../shard/transaction-message.ts';
import { BarrierSlots } from './barrier-slots.ts';
import type { CommandDispatcher } from './command-dispatcher.ts';
import { copyArgs } from './copy-args.ts';
import type { LocalReader } from './local-reader.ts';
import { LocalReads } from './local-reads.ts';
import type { OrderedSession } from './ordered-session.ts';
import { type PairPort, runPair } from './pair-run.ts';
import { type PatiencePort, runPatiently } from './patient-run.ts';
import { ReplyScratch } from './reply-scratch.ts';
import { Scatter } from './scatter.ts';
import { runSteps, type StepPort } from './step-run.ts';
import { SurveyRun } from './survey-run.ts';
import type { Transaction, WatchedKey } from './transaction.ts';
import { faultWithin } from './transaction-plan.ts';
import type { RunOnConnection, TransactionFault } from './transaction-queue.ts';
import { TransactionRun, type TransactionShards } from './transaction-run.ts';

export interface DispatcherParts {
  readonly table: CommandTable;
  readonly map: PartitionMap;
  readonly node: NodePort;
  /** By shard: this front end's way to the actor, and its reader of the shard's memory. */
  readonly clients: readonly ShardClient[];
  readonly readers: readonly LocalReader[];
  /** Where shards meet for a transaction over several of them; without it there is none. */
  readonly barrier?: Barrier;
  /** Bytes that a reply may have which is made on this thread; without it there is no limit. */
  readonly replyBytesMax?: () => number;
  /** Called after every command sent to a client: see to it that it is flushed. */
  readonly onSent: () => void;
  /** Told of a command that threw, on this thread, what is not an assertion; the command is answered. */
  readonly onDefect: (command: Command, error: unknown) => void;
}

/** Why no command is taken now. */
type Closure = 'shutting-down' | 'not-ready';

const closures: Readonly<Record<Closure, string>> = {
  'shutting-down': 'the node is shutting down',
  'not-ready': LOADING,
};

type KeyedCommand = (ReadCommand | WriteCommand) & Command;

/** A record of arguments that grew beyond this is not kept. */
const ARGS_KEPT = 16_384;

/**
 * Has a front end's commands run where they belong, and each answered exactly once (I4): reads from shared memory at
 * once, writes by the mailbox of their key's shard, commands over several shards in parts that are gathered.
 *
 * A read goes by mailbox too when a group of writes is being published (I8), or when it would overtake a command of
 * its own connection (I7). What a sink is given may be read during the call only.
 */
export class Dispatcher implements CommandDispatcher, PairPort, PatiencePort, StepPort, TransactionShards {
  readonly #table: CommandTable;
  readonly map: PartitionMap;
  readonly #node: NodePort;
  readonly #clients: readonly ShardClient[];
  readonly #readers: readonly LocalReader[];
  readonly #onSent: () => void;
  readonly #onDefect: (command: Command, error: unknown) => void;
  readonly replyBytesMax: () => number;
  readonly #scratch: ReplyScratch;
  readonly #scatters: Scatter[] = [];
  readonly #surveys: SurveyRun[] = [];
  readonly #onScatterDone = (scatter: Scatter): void => this.#finishScatter(scatter);
  readonly slots: BarrierSlots;
  readonly #reads: LocalReads;
  /** By row: 1 for a write that is more than sent to its shard. Looked up for every write, where rows are of many shapes. */
  readonly #isUnusual: Uint8Array;
  #partArgs = new Args();
  /** Shard of the read begun by `beginRead`; -1 when there is none. */
  #reading = -1;
  /** Commands under way that take several turns, in steps over two shards or over all of them. */
  #running = 0;
  /** Null: commands are taken. */
  #closure: Closure | null = null;

  constructor(parts: DispatcherParts) {
    const { map, clients, readers } = parts;
    assert(clients.length === map.shardCount && readers.length === map.shardCount, 'one client and reader a shard');
    this.#table = parts.table;
    this.map = map;
    this.#node = parts.node;
    this.#clients = clients;
    this.#readers = readers;
    this.replyBytesMax = parts.replyBytesMax ?? (() => Number.POSITIVE_INFINITY);
    this.#scratch = new ReplyScratch(this.replyBytesMax);
    this.#onSent = parts.onSent;
    this.#onDefect = parts.onDefect;
    this.slots = new BarrierSlots(parts.barrier ?? null);
    this.#isUnusual = unusualWrites(parts.table);
    this.#reads = new LocalReads(readers, (command, error, reply) => this.answerDefect(command, error, reply));
  }

  /**
   * Runs a command whose arity was checked. `sink` is called once: before this returns where no shard's actor is
   * needed, else in a later turn. `args` and its bytes may be refilled as soon as this returns.
   */
  execute(command: Command, args: Args, sink: ReplySink, session: OrderedSession | null = null): void {
    if (this.#closure !== null && !this.#isTaken(command)) {
      this.#refuse(sink, this.#closure, closures[this.#closure]);
      return;
    }
    assert(session === null || !session.blocked, 'I7: a blocked session takes no command');
    switch (command.kind) {
      case 'read':
        this.#keyed(command, args, sink, session);
        return;
      case 'write':
        if (this.#isUnusual[command.id] === 1) this.#unusual(command, args, sink, session);
        else this.#keyed(command, args, sink, session);
        return;
      case 'pair':
        this.#pair(command, args, sink, session);
        return;
      case 'steps':
        runSteps(this, command, args, sink, session);
        return;
      case 'node':
        this.#onNode(command, args, sink);
        return;
      case 'survey':
        this.#survey(command, args, sink, session);
        return;
      case 'sweep':
        this.#sweep(command, args, sink, session);
        return;
      case 'connection':
        this.#refuse(sink, 'bad-request', `'${command.name}' needs a connection of its own`);
        return;
      case 'container':
        assert(false, 'a front end resolves subcommands');
        break;
      default:
        unreachable(command);
    }
  }

  /**
   * Announces a read of the key `bytes[start..end)` from shared memory, for a front end that copies the value straight
   * to where it is sent from. Null, with nothing announced, when the read has to go through `execute` now. To be
   * ended by `endRead` in the same turn, with no other call between.
   */
  beginRead(bytes: Uint8Array, start: number, end: number): ReadView | null {
    assert(this.#reading < 0, 'one read at a time');
    if (this.#closure !== null) return null;
    const shard = this.map.shardOfKey(bytes, start, end);
    const reader = this.#readers[shard] as LocalReader;
    if (!reader.enter()) return null;
    this.#reading = shard;
    return reader;
  }

  /** False when what was read may not be told: the command is to be given to `execute` then. */
  endRead(): boolean {
    assert(this.#reading >= 0, 'a read was begun');
    // One key is whole whether or not a group was published meanwhile, so the verdict does not matter.
    (this.#readers[this.#reading] as LocalReader).leave();
    this.#reading = -1;
    return true;
  }

  /** Commands follow closely until `releaseReads`, in the same turn: reads among them are cheaper. */
  holdReads(): void {
    for (const reader of this.#readers) reader.hold();
  }

  releaseReads(): void {
    for (const reader of this.#readers) reader.release();
  }

  /** Commands whose reply is owed. */
  get inFlight(): number {
    let total = this.#running;
    for (const client of this.#clients) total += client.outstanding;
    return total;
  }

  /** Commands under way that no shard owes a reply. */
  get running(): number {
    return this.#running;
  }

  /** Commands sent to this shard and not answered, those included that wait in front of its full ring. */
  mailboxDepth(shard: number): number {
    return (this.#clients[shard] as ShardClient).outstanding;
  }

  /** Refuses every further command with `shutting-down`; those in flight are answered as ever. */
  close(): void {
    this.#closure = 'shutting-down';
  }

  set isLoading(isLoading: boolean) {
    if (this.#closure !== 'shutting-down') this.#closure = isLoading ? 'not-ready' : null;
  }

  /** Nothing waits but for shards. */
  stop(): void {}

  transactionFault(command: Command, args: Args): TransactionFault | null {
    return faultWithin(this.map, command, args);
  }

  transact(
    transaction: Transaction,
    watched: readonly WatchedKey[],
    runOnConnection: RunOnConnection | null,
    sink: ReplySink,
    session: OrderedSession | null,
  ): void {
    if (this.#closure !== null) {
      this.#refuse(sink, this.#closure, closures[this.#closure]);
      return;
    }
    new TransactionRun(this, transaction, watched, runOnConnection, sink, session).start();
  }

  versionsOf(args: Args, sink: ReplySink, session: OrderedSession | null): void {
    this.execute(this.#table.named('flux.versions'), args, sink, session);
  }

  prepareExec(shard: number, args: Args): Admission {
    return (this.#clients[shard] as ShardClient).prepare(this.#table.named(TRANSACTION_ROW).id, args);
  }

  commitExec(shard: number, sink: ReplySink, session: OrderedSession | null): void {
    this.#commit(shard, sink, session);
  }

  runOnNode(command: NodeCommand & Command, args: Args, reply: ReplyWriter): undefined | Promise<void> {
    return settled(command.run(this.#node, args, reply), reply);
  }

  runBegan(): void {
    this.#running++;
  }

  runEnded(): void {
    this.#running--;
  }

  runStep(name: string, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const shard = this.map.shardOfKey(args.bytes, args.start(0), args.end(0));
    this.#send(shard, this.#table.named(name), args, sink, session);
  }

  answerDefect(command: Command, error: unknown, reply: ReplyWriter): void {
    if (error instanceof AssertionError) throw error;
    if (tellTooLarge(error, command.kind, reply)) return;
    reply.clear();
    reply.error('internal', `the command '${command.name}' failed; the log says more`);
    this.#onDefect(command, error);
  }

  runOwn(name: string, args: Args, sink: ReplySink): void {
    this.execute(this.#table.named(name), args, sink);
  }

  ask(command: Command, args: Args, sink: ReplySink): void {
    assert(command.kind === 'write', 'what waits is a write');
    if (this.#closure !== null) this.#refuse(sink, this.#closure, closures[this.#closure]);
    else this.#readOrWrite(command, args, sink, null);
  }

  /** Whether a command is taken while others are not. */
  #isTaken(command: Command): boolean {
    return this.#closure === 'not-ready' && command.kind === 'node' && command.flags.includes('loading');
  }

  #keyed(command: KeyedCommand, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const { first, step } = command.keys;
    if (command.gather === 'single' || this.map.shardCount === 1) {
      this.#onShard(this.map.shardOfKey(args.bytes, args.start(first), args.end(first)), command, args, sink, session);
      return;
    }
    const scatter = this.#takeScatter();
    const { plan } = scatter;
    plan.fill(args, first, lastKeyOf(command, args), step);
    if (plan.partCount > 1 && command.gather !== 'one-shard') {
      this.#onShards(scatter, command, args, sink, session);
      return;
    }
    this.#scatters.push(scatter);
    if (plan.partCount > 1) this.#refuse(sink, 'cross-slot', "Keys in request don't hash to the same slot");
    else this.#onShard(plan.shardOf(0), command, args, sink, session);
  }

  #onShard(shard: number, command: KeyedCommand, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    if (command.kind === 'read' && (session === null || session.mayReadLocally(shard))) {
      const { writer, reader } = this.#scratch.take();
      try {
        if (this.#reads.readOne(shard, command, args, writer)) {
          reader.openWritten(writer);
          sink.onReply(reader);
          return;
        }
      } finally {
        this.#scratch.give();
      }
    }
    this.#send(shard, command, args, sink, session);
  }

  /** A write that may be answered by reading, or is asked again. */
  #unusual(command: WriteCommand & Command, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const { patience } = command;
    const waitMs = patience?.waitMs(args) ?? 0;
    if (patience !== undefined && waitMs > 0) runPatiently(this, command, patience, waitMs, args, sink, session);
    else this.#readOrWrite(command, args, sink, session);
  }

  #readOrWrite(command: WriteCommand & Command, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const { first } = command.keys;
    const shard = this.map.shardOfKey(args.bytes, args.start(first), args.end(first));
    const mayRead = session === null || session.mayReadLocally(shard);
    if (mayRead && command.readFirst !== undefined) {
      const trial = this.#table.named(command.readFirst);
      assert(trial.kind === 'read', 'what is tried first only reads');
      const { writer, reader } = this.#scratch.take();
      try {
        if (this.#reads.readOne(shard, trial, args, writer) && reader.openWritten(writer) !== ReplyKind.null) {
          sink.onReply(reader);
          return;
        }
      } finally {
        this.#scratch.give();
      }
    }
    this.#send(shard, command, args, sink, session);
  }

  #send(shard: number, command: Command, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const client = this.#clients[shard] as ShardClient;
    const admission = client.prepare(command.id, args);
    if (admission !== Admission.taken) {
      this.refuseAdmission(sink, admission);
      return;
    }
    session?.sent(shard);
    client.commit(sink, session);
    this.#onSent();
  }

  /** Runs a command in the parts of `scatter`'s plan, of which there are several. */
  #onShards(
    scatter: Scatter,
    command: KeyedCommand,
    args: Args,
    sink: ReplySink,
    session: OrderedSession | null,
  ): void {
    const { plan } = scatter;
    if (command.kind === 'read' && this.#reads.readParts(scatter, command, args, this.#partArgs, session)) {
      scatter.begin(command.gather, plan.partCount, sink);
      scatter.partsDone(plan.partCount);
      return;
    }
    const partArgs = this.#partArgs;
    let admission: Admission = Admission.taken;
    // Nothing is sent before every shard has room for its part: a command that is refused has not run anywhere.
    for (let number = 0; number < plan.partCount && admission === Admission.taken; number++) {
      plan.argsOf(number, args, partArgs);
      admission = (this.#clients[plan.shardOf(number)] as ShardClient).prepare(command.id, partArgs);
    }
    if (partArgs.count > ARGS_KEPT) this.#partArgs = new Args();
    if (admission !== Admission.taken) {
      this.#scatters.push(scatter);
      this.refuseAdmission(sink, admission);
      return;
    }
    scatter.beginParts(command.kind);
    scatter.begin(command.gather, plan.partCount, sink);
    for (let number = 0; number < plan.partCount; number++) {
      this.#commit(plan.shardOf(number), scatter.part(number), session);
    }
  }

  #sweep(command: SweepCommand & Command, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const { shardCount } = this.map;
    for (let shard = 0; shard < shardCount; shard++) {
      const admission = (this.#clients[shard] as ShardClient).prepare(command.id, args);
      if (admission !== Admission.taken) {
        this.refuseAdmission(sink, admission);
        return;
      }
    }
    const scatter = this.#takeScatter();
    scatter.beginParts(command.kind);
    scatter.begin('all-ok', shardCount, sink);
    for (let shard = 0; shard < shardCount; shard++) {
      this.#commit(shard, scatter.part(shard), session);
    }
  }

  #commit(shard: number, sink: ReplySink, session: OrderedSession | null): void {
    session?.sent(shard);
    (this.#clients[shard] as ShardClient).commit(sink, session);
    this.#onSent();
  }

  #takeScatter(): Scatter {
    return this.#scatters.pop() ?? new Scatter(this.map, this.replyBytesMax, this.#onScatterDone);
  }

  #finishScatter(scatter: Scatter): void {
    const { writer, reader } = this.#scratch.take();
    try {
      const sink = scatter.finish(writer);
      // The sink may ask for the next command at once, which may take the same record.
      this.#scatters.push(scatter);
      reader.openWritten(writer);
      sink.onReply(reader);
    } finally {
      this.#scratch.give();
    }
  }

  #pair(command: PairCommand & Command, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const shard = this.map.shardOfKey(args.bytes, args.start(0), args.end(0));
    if (shard === this.map.shardOfKey(args.bytes, args.start(1), args.end(1))) {
      this.#send(shard, command, args, sink, session);
      return;
    }
    runPair(this, command, args, sink, session);
  }

  #onNode(command: NodeCommand & Command, args: Args, sink: ReplySink): void {
    const { writer, reader } = this.#scratch.take();
    try {
      let late: ReturnType<NodeCommand['run']>;
      try {
        late = command.run(this.#node, args, writer);
      } catch (error) {
        this.answerDefect(command, error, writer);
      }
      if (late !== undefined) {
        this.#answerLate(late, sink);
        return;
      }
      reader.openWritten(writer);
      sink.onReply(reader);
    } finally {
      this.#scratch.give();
    }
  }

  #answerLate(late: Promise<LateReply>, sink: ReplySink): void {
    this.#running++;
    void late.then((write) => {
      this.#running--;
      const { writer, reader } = this.#scratch.take();
      try {
        write(writer);
        reader.openWritten(writer);
        sink.onReply(reader);
      } finally {
        this.#scratch.give();
      }
    });
  }

  #survey(command: SurveyCommand & Command, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    const run =
      this.#surveys.pop() ??
      new SurveyRun(this.#readers, this.#node, this.replyBytesMax, (of, error, reply) =>
        this.answerDefect(of, error, reply),
      );
    run.begin();
    const idle = session === null || session.inFlight === 0;
    if (idle && run.step(command, args)) {
      run.deliver(sink);
      this.#surveys.push(run);
      return;
    }
    const ownArgs = copyArgs(args);
    this.#running++;
    const finish = (): void => {
      this.#running--;
      run.deliver(sink);
      this.#surveys.push(run);
      session?.unblock();
    };
    if (session === null) run.continueLater(command, ownArgs, finish);
    else session.blockUntilIdle(() => run.continueLater(command, ownArgs, finish));
  }

  refuseAdmission(sink: ReplySink, admission: Admission): void {
    if (admission === Admission.overloaded) {
      this.#refuse(sink, 'overloaded', 'too many commands wait for the shard; this one was not run');
    } else {
      this.#refuse(sink, 'request-too-large', 'the command is over the limit');
    }
  }

  #refuse(sink: ReplySink, code: ErrorCode, message: string): void {
    const { writer, reader } = this.#scratch.take();
    try {
      writer.error(code, message);
      reader.openWritten(writer);
      sink.onReply(reader);
    } finally {
      this.#scratch.give();
    }
  }
}

/** Has the reply written when it is known; undefined: it was written at once. */
export function settled(late: ReturnType<NodeCommand['run']>, reply: ReplyWriter): undefined | Promise<void> {
  return late === undefined ? undefined : late.then((write) => write(reply));
}

/** By row: 1 for a write that a front end may answer by reading, or asks again. */
export function unusualWrites({ commands }: CommandTable): Uint8Array {
  return Uint8Array.from(commands, (row) =>
    Number(row.kind === 'write' && (row.readFirst !== undefined || row.patience !== undefined)),
  );
}
