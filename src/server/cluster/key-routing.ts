import { assert } from '../../base/assert.ts';
import type { ErrorCode } from '../../base/errors.ts';
import { monotonicMs } from '../../base/monotonic.ts';
import { slotOf } from '../../base/slot.ts';
import type { ClusterView } from '../../cluster/actor/cluster-view.ts';
import { GateRole } from '../../cluster/partition-gates.ts';
import { Args } from '../../command/args.ts';
import type { Command, PairCommand, ReadCommand, SurveyCommand, WriteCommand } from '../../command/command.ts';
import { ReplyKind, type ReplyReader, type ReplySink } from '../../command/reply.ts';
import { commandBytesMax, decodeCommand } from '../../shard/command-message.ts';
import { RefusalReason } from '../../shard/guarded-reply.ts';
import { Admission, type ShardClient } from '../../shard/shard-client.ts';
import { copyArgs } from '../dispatch/copy-args.ts';
import { unusualWrites } from '../dispatch/dispatcher.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import { Flight, type FlightOwner, NONE } from './flight.ts';
import { GuardedReads } from './guarded-reads.ts';
import type { KeyRoutingParts } from './key-routing-parts.ts';
import { NO_TARGET, PartitionRoutes } from './partition-routes.ts';
import { errorOfRefusal, isPassing, type RefusalError } from './refusal-errors.ts';
import { RetryLoop } from './retry-loop.ts';
import { partitionOfCursor } from './scan-cursor.ts';
import { ServingWatch } from './serving-watch.ts';
import { SplitCommands } from './split-commands.ts';
import { type CommandTarget, TargetFlag, type TargetSink } from './target.ts';
import { TouchedPartitions } from './touched-partitions.ts';

/** With keys, or with a cursor that names a partition. */
type Keyed = (ReadCommand | WriteCommand | PairCommand | SurveyCommand) & Command;

/** What becomes of something that waits: one of the two, once. */
interface WaitingActions {
  send(): void;
  giveUp(code: ErrorCode, message: string): void;
}

/** What a command that waits takes of memory beside its arguments, about. */
const WAITING_BYTES = 300;
const nothing = new Uint8Array(0);

/**
 * Sends commands to where their keys are, in a cluster: to shards of this node, or to other nodes, in parts where the
 * keys are of several. Commands that are refused, or find nobody to take them, wait and are sent again.
 */
export class KeyRouting implements FlightOwner {
  readonly routes: PartitionRoutes;
  readonly reads: GuardedReads;
  readonly retries: RetryLoop;
  readonly nowMs: () => number;
  readonly #parts: KeyRoutingParts;
  readonly #view: ClusterView;
  readonly #serving: ServingWatch;
  readonly #touched: TouchedPartitions;
  readonly #splits: SplitCommands;
  /** By row: see `unusualWrites`. */
  readonly #isUnusual: Uint8Array;
  readonly #decoded = new Args();
  #nextOrder = 1;
  /** Commands under way to other nodes. */
  #forwarded = 0;
  readonly #forgetView: () => void;

  constructor(parts: KeyRoutingParts) {
    const { map, view, table } = parts;
    this.#parts = parts;
    this.#view = view;
    this.#isUnusual = unusualWrites(table);
    this.nowMs = parts.nowMs ?? monotonicMs;
    this.#serving = new ServingWatch(view, this.nowMs);
    this.routes = new PartitionRoutes(map, view.self);
    this.routes.update(view.state);
    this.reads = new GuardedReads(parts.readers, view.gates, this.nowMs, parts.answerDefect);
    this.retries = new RetryLoop(this.routes.waiting, {
      nowMs: this.nowMs,
      isReady: (partition) => this.routes.isSettled(partition) && this.isOpen(partition),
      isHopeless: () => this.fault() !== null,
    });
    this.#touched = new TouchedPartitions(map, table.commands);
    this.#splits = new SplitCommands({
      ...parts,
      routes: this.routes,
      reads: this.reads,
      owner: this,
      touched: new TouchedPartitions(map, table.commands),
      send: (target, part, args, touched) => {
        if (this.routes.isLocal(target)) this.#local(target, part, args, touched);
        else this.send(part, target, args, touched.distinct);
      },
    });
    this.#forgetView = view.onChange(() => {
      this.routes.update(view.state);
      this.retries.changed();
    });
  }

  /** Commands that wait for a target. */
  get waiting(): number {
    return this.retries.desk.count;
  }

  /** Replies of shards that wait for other nodes. */
  get parked(): number {
    let total = 0;
    for (const client of this.#parts.clients) total += client.parked;
    return total;
  }

  /** Commands whose reply is owed. */
  get inFlight(): number {
    let total = this.retries.desk.count + this.#forwarded;
    for (const client of this.#parts.clients) total += client.outstanding;
    return total;
  }

  partitionOfKey(bytes: Uint8Array, start: number, end: number): number {
    return this.#parts.map.partitionOfSlot(slotOf(bytes, start, end));
  }

  /** Runs a command whose keys are of any partitions; of a pair command, of one. */
  run(command: Keyed, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    this.#route(new Flight(this, command, sink, session, this.#nextOrder++), args, true);
  }

  /** Runs a command that another node asks for, with keys of one partition, on a shard of this node or not at all. */
  runForwarded(command: Keyed, args: Args, flags: number, sink: TargetSink): void {
    const flight = new Flight(this, command, sink, null, this.#nextOrder++);
    flight.asker = sink;
    flight.flags = flags & TargetFlag.ordered;
    this.#route(flight, args, true);
  }

  flight(command: Command, sink: ReplySink, session: OrderedSession | null): Flight {
    return new Flight(this, command, sink, session, this.#nextOrder++);
  }

  /** Whether commands for this partition can be sent now. */
  isOpen(partition: number): boolean {
    const target = this.routes.targetOf(partition);
    if (target === NO_TARGET) return false;
    const { gates } = this.#view;
    if (this.routes.isLocal(target)) {
      return gates.role(partition) === GateRole.primary && gates.leaseLeftMs(this.nowMs()) > 0;
    }
    return this.#parts.links.target(this.routes.nodeOf(target))?.isUp === true;
  }

  /** Null when this node serves, or will in a moment; else what a client is told. */
  fault(): RefusalError | null {
    return this.#serving.fault();
  }

  /** Whether a session that asks for keys of another node is told of it. */
  isRedirected(session: OrderedSession | null): boolean {
    const { redirects } = this.#parts;
    return redirects === 'always' || (redirects === 'asked' && session !== null && session.wantsRedirects);
  }

  /** Gives up what waits; what is under way is answered as ever. */
  stop(): void {
    this.retries.stop();
    this.#forgetView();
  }

  landed(flight: Flight, reply: ReplyReader): void {
    this.#leave(flight);
    if (flight.countedAt !== NONE) flight.session?.answered(flight.countedAt);
    flight.sink.onReply(reply);
  }

  turnedAway(flight: Flight, reason: RefusalReason, bytes: Uint8Array, start: number, length: number): void {
    const { partitions, asker } = flight;
    const isRetried = isPassing(reason);
    for (const partition of isRetried ? partitions : []) {
      this.routes.fence(partition);
      this.retries.refused(partition);
    }
    this.#leave(flight);
    flight.reason = reason;
    if (asker !== null) {
      if (flight.countedAt !== NONE) flight.session?.answered(flight.countedAt);
      asker.onRefused(reason, bytes, start, length);
    } else if (!isRetried) {
      const { code, message } = errorOfRefusal(reason);
      this.#fail(flight, code, message);
    } else {
      decodeCommand(bytes, start, length, this.#decoded);
      // Sent before, it may wait in any case: it is one of a bounded number.
      this.#await(flight, this.#decoded, [...partitions]);
    }
  }

  /** Answers the flight, which is under way nowhere, with an error. */
  #fail(flight: Flight, code: ErrorCode, message: string): void {
    if (flight.countedAt !== NONE) flight.session?.answered(flight.countedAt);
    const { writer, reader } = this.#parts.scratch.take();
    try {
      writer.error(code, message);
      reader.openWritten(writer);
      flight.sink.onReply(reader);
    } finally {
      this.#parts.scratch.give();
    }
  }

  #route(flight: Flight, args: Args, isNew: boolean): void {
    const { command, session, asker } = flight;
    const touched = this.#touched;
    const partitions =
      command.kind === 'survey'
        ? touched.collectOne(partitionOfCursor(args, this.#parts.map.partitionCount))
        : touched.collect(command, args);
    // One that has waited is counted itself.
    const isFirst = session !== null && session.inFlight === (isNew ? 0 : 1);
    // Behind what is under way of its connection, a read might not see what that wrote.
    if (isFirst && session.readsReplicas && command.kind === 'read' && this.#fromReplica(flight, args)) return;
    const fault = this.fault();
    if (fault !== null) {
      if (asker === null) this.#fail(flight, fault.code, fault.message);
      else asker.onRefused(RefusalReason.noLease, nothing, 0, 0);
      return;
    }
    if (partitions.length > 1 && (asker !== null || !isDivisible(command))) {
      this.#fail(flight, 'cross-slot', "Keys in request don't hash to the same slot");
      return;
    }
    if (this.routes.resumesTooSoon(partitions)) {
      this.#wait(flight, args, partitions, isNew);
      return;
    }
    let target = this.routes.targetOf(partitions[0] as number);
    for (const partition of partitions) {
      const isSendable = isNew ? this.routes.isFree(partition) : this.routes.isSettled(partition);
      if (!isSendable || !this.isOpen(partition)) {
        this.#wait(flight, args, partitions, isNew);
        return;
      }
      if (this.routes.targetOf(partition) !== target) target = NO_TARGET;
    }
    if (target === NO_TARGET) this.#split(flight, args);
    else if (this.routes.isLocal(target)) this.#local(target, flight, args, touched);
    else if (asker !== null) asker.onRefused(RefusalReason.notPrimary, nothing, 0, 0);
    else if (this.isRedirected(session) && this.#redirect(flight, target)) return;
    else if (partitions.length > 1) this.#split(flight, args);
    else this.send(flight, target, args, partitions);
  }

  #local(shard: number, flight: Flight, args: Args, touched: TouchedPartitions): void {
    const { command, session } = flight;
    if (command.kind === 'survey') {
      const partition = touched.distinct[0] as number;
      this.#parts.onSurvey(command, args, flight.sink, (reason, asked) => {
        flight.reason = reason;
        if (flight.asker !== null) flight.asker.onRefused(reason, nothing, 0, 0);
        else this.#wait(flight, asked, [partition], false);
      });
      return;
    }
    if (flight.flags === 0 && (session === null || session.mayReadLocally(shard))) {
      if (command.kind === 'read') {
        if (this.#answerFrom(flight, (reply) => this.reads.readOne(shard, command, args, touched, reply))) return;
      } else if (this.#isUnusual[command.id] === 1 && this.#triedFirst(shard, flight, args, touched)) return;
    }
    this.send(flight, shard, args, touched.distinct);
  }

  /** Whether reading was all that the write takes. */
  #triedFirst(shard: number, flight: Flight, args: Args, touched: TouchedPartitions): boolean {
    const { command } = flight;
    if (command.kind !== 'write' || command.readFirst === undefined) return false;
    const trial = this.#parts.table.named(command.readFirst);
    assert(trial.kind === 'read', 'what is tried first only reads');
    return this.#answerFrom(flight, (reply) => {
      if (!this.reads.readOne(shard, trial, args, touched, reply)) return false;
      if (reply.bytes[0] !== ReplyKind.null) return true;
      reply.clear();
      return false;
    });
  }

  /** Whether the command was answered by copies of this node that may be a little behind. */
  #fromReplica(flight: Flight, args: Args): boolean {
    const { command } = flight;
    assert(command.kind === 'read', 'a replica is read');
    const touched = this.#touched;
    const { map, replicaStalenessMs } = this.#parts;
    const shard = map.shardOfPartition(touched.distinct[0] as number);
    for (const partition of touched.distinct) if (map.shardOfPartition(partition) !== shard) return false;
    return this.#answerFrom(flight, (reply) =>
      this.reads.readReplica(shard, command, args, touched, replicaStalenessMs, reply),
    );
  }

  #answerFrom(flight: Flight, read: (reply: Parameters<GuardedReads['readOne']>[4]) => boolean): boolean {
    const { writer, reader } = this.#parts.scratch.take();
    try {
      if (!read(writer)) return false;
      reader.openWritten(writer);
      flight.sink.onReply(reader);
      return true;
    } finally {
      this.#parts.scratch.give();
    }
  }

  /** False when it is not known where clients reach the node. */
  #redirect(flight: Flight, target: number): boolean {
    const address = this.#view.state.nodes.get(this.routes.nodeOf(target))?.endpoints.tcp ?? '';
    if (address === '') return false;
    this.#fail(flight, 'moved', `${this.#touched.slots[0]} ${address}`);
    return true;
  }

  /** Sends the flight to a target where these partitions are open. */
  send(flight: Flight, target: number, args: Args, partitions: readonly number[]): void {
    const { session } = flight;
    const isLocal = this.routes.isLocal(target);
    let { flags } = flight;
    for (const partition of partitions) if (this.routes.isFenced(partition)) flags |= TargetFlag.resumes;
    if (!isLocal && session !== null && !session.mayReadLocally(target)) flags |= TargetFlag.ordered;
    const to = this.target(target);
    const admission = to === null ? Admission.unreachable : to.prepare(flight.command.id, args, flags);
    if (to === null || admission === Admission.unreachable) {
      this.#wait(flight, args, partitions, false);
    } else if (admission !== Admission.taken) {
      this.#refuseAdmission(flight, admission);
    } else {
      this.commit(flight, target, partitions);
    }
  }

  /** Sends what was prepared for the target. */
  commit(flight: Flight, target: number, partitions: readonly number[]): void {
    this.#enter(flight, target, partitions);
    this.target(target)?.commit(flight, this.routes.isLocal(target) ? flight.session : null);
    this.#parts.onSent();
  }

  #enter(flight: Flight, target: number, partitions: readonly number[]): void {
    flight.partitions.length = 0;
    for (const partition of partitions) {
      flight.partitions.push(partition);
      this.routes.entered(partition);
    }
    flight.session?.sent(target);
    flight.countedAt = target;
    if (!this.routes.isLocal(target)) this.#forwarded++;
  }

  target(target: number): CommandTarget | null {
    if (this.routes.isLocal(target)) return this.#parts.clients[target] as ShardClient;
    return this.#parts.links.target(this.routes.nodeOf(target));
  }

  #refuseAdmission(flight: Flight, admission: Admission): void {
    if (admission !== Admission.overloaded) {
      this.#fail(flight, 'request-too-large', 'the command is over the limit');
    } else if (flight.asker !== null) {
      flight.asker.onRefused(RefusalReason.overloaded, nothing, 0, 0);
    } else {
      this.#fail(flight, 'overloaded', 'too many commands wait for the shard or node; this one was not run');
    }
  }

  #split(flight: Flight, args: Args): void {
    const { command } = flight;
    assert(command.kind === 'read' || command.kind === 'write', 'a command with keys of several partitions has parts');
    this.#splits.run(flight, command, args, this.#touched);
  }

  /** The command finds nobody to take it now. */
  #wait(flight: Flight, args: Args, partitions: readonly number[], isNew: boolean): void {
    if (flight.asker !== null) {
      flight.asker.onRefused(RefusalReason.notPrimary, nothing, 0, 0);
      return;
    }
    if (isNew && !this.retries.desk.hasRoom(commandBytesMax(args) + WAITING_BYTES)) {
      this.#fail(flight, 'overloaded', 'too many commands wait for another node; this one was not run');
      return;
    }
    const counted = this.#parts.map.shardOfPartition(partitions[0] as number);
    flight.session?.sent(counted);
    flight.countedAt = counted;
    this.#await(flight, args, [...partitions]);
  }

  /** The session counts it. */
  #await(flight: Flight, args: Args, partitions: readonly number[]): void {
    const copy = copyArgs(args);
    this.wait(flight, partitions, copy.bytes.length, {
      send: () => {
        const { session, countedAt } = flight;
        flight.countedAt = NONE;
        this.#route(flight, copy, false);
        // After it is counted elsewhere: the session is not idle meanwhile.
        session?.answered(countedAt);
      },
      giveUp: (code, message) => this.#fail(flight, code, message),
    });
  }

  /** Has something wait until its partitions can be sent to, or its time is over; `bytes` are those it holds. */
  wait(flight: Flight, partitions: readonly number[], bytes: number, { send, giveUp }: WaitingActions): void {
    if (flight.deadlineMs === 0) flight.deadlineMs = this.nowMs() + this.#parts.forwardTimeoutMs;
    this.retries.add({
      order: flight.order,
      partitions,
      deadlineMs: flight.deadlineMs,
      bytes: bytes + WAITING_BYTES,
      send,
      giveUp: () => {
        const { code, message } = this.fault() ?? errorOfRefusal(flight.reason);
        giveUp(code, message);
      },
    });
  }

  #leave(flight: Flight): void {
    if (!this.routes.isLocal(flight.countedAt)) this.#forwarded--;
    for (const partition of flight.partitions) if (this.routes.left(partition)) this.retries.lookSoon();
  }
}

/** Whether the command can be run in parts, by key. */
function isDivisible(command: Command): boolean {
  return (command.kind === 'read' || command.kind === 'write') && command.gather !== 'one-shard';
}
