import { GateRole, type PartitionGates } from '../../cluster/partition-gates.ts';
import type { Args } from '../../command/args.ts';
import { ArgsBuffer } from '../../command/args-buffer.ts';
import type { Command, NodePort, SurveyCommand, SweepCommand } from '../../command/command.ts';
import { ReplyKind, ReplyReader, type ReplySink, ReplyWriter } from '../../command/reply.ts';
import { tellTooLarge } from '../../command/tell-too-large.ts';
import type { PartitionMap } from '../../routing/partition-map.ts';
import { RefusalReason } from '../../shard/guarded-reply.ts';
import { copyArgs } from '../dispatch/copy-args.ts';
import type { LocalReader } from '../dispatch/local-reader.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import { SurveyRun } from '../dispatch/survey-run.ts';
import { gatherSurvey } from '../dispatch/transaction-run.ts';
import { Gathering } from './gathering.ts';
import type { KeyRouting } from './key-routing.ts';
import { PartitionView } from './partition-view.ts';
import { errorOfRefusal } from './refusal-errors.ts';
import { ownCursor, tagOf, tagReply } from './scan-cursor.ts';
import { TargetFlag, type TargetSink } from './target.ts';

type Wide = (SurveyCommand | SweepCommand) & Command;

export interface SurveyRoutingParts {
  readonly map: PartitionMap;
  readonly gates: PartitionGates;
  readonly readers: readonly LocalReader[];
  readonly node: NodePort;
  readonly routing: KeyRouting;
  /** How long a command may wait until every partition has a node. */
  readonly forwardTimeoutMs: number;
  readonly replyBytesMax: () => number;
  readonly answerDefect: (command: Command, error: unknown, reply: ReplyWriter) => void;
}

interface WaitingSurvey {
  readonly deadlineMs: number;
  run(): void;
  giveUp(): void;
}

/**
 * Runs commands over all keys, in a cluster: on every node that is primary of something, each for what it is primary of.
 * One over several nodes has its session wait until it is done.
 */
export class SurveyRouting {
  readonly #parts: SurveyRoutingParts;
  readonly #routing: KeyRouting;
  /** By partition: 1 where this node is primary. */
  readonly #own: Uint8Array;
  /** By partition, for commands with a cursor. */
  readonly #views: readonly PartitionView[];
  /** Of this process's cursors. */
  readonly #tag: number;
  #waiting: WaitingSurvey[] = [];
  /** Commands under way. */
  running = 0;

  constructor(parts: SurveyRoutingParts) {
    const { map, gates, readers } = parts;
    this.#parts = parts;
    this.#routing = parts.routing;
    this.#tag = tagOf(parts.node.random.nextUint32());
    this.#own = new Uint8Array(map.partitionCount);
    this.#views = Array.from({ length: map.partitionCount }, (_, partition) => {
      const reader = readers[map.shardOfPartition(partition)] as LocalReader;
      return new PartitionView(reader, partition, map.partitionCount, () => isPrimary(gates, partition));
    });
  }

  /** `isLocal`: of this node's primaries only. */
  run(command: Wide, args: Args, sink: ReplySink, session: OrderedSession | null, isLocal: boolean): void {
    const copy = copyArgs(args);
    this.running++;
    const deadlineMs = this.#routing.nowMs() + this.#parts.forwardTimeoutMs;
    const answer: ReplySink = {
      onReply: (reply) => {
        this.running--;
        try {
          sink.onReply(reply);
        } finally {
          session?.unblock();
        }
      },
    };
    const start = (): void => this.#start(command, copy, answer, isLocal, deadlineMs);
    if (session === null) start();
    else session.blockUntilIdle(start);
  }

  /** One with a cursor, which is of one partition at a time: behind what its session has under way. */
  runCursor(command: SurveyCommand & Command, args: Args, sink: ReplySink, session: OrderedSession | null): void {
    if (session === null || session.inFlight === 0) {
      this.#routing.run(command, args, sink, session);
      return;
    }
    const copy = copyArgs(args);
    const done: ReplySink = {
      onReply: (reply) => {
        try {
          sink.onReply(reply);
        } finally {
          session.unblock();
        }
      },
    };
    session.blockUntilIdle(() => this.#routing.run(command, copy, done, null));
  }

  /** The part of this node, for another one. */
  runPart(command: Wide, args: Args, sink: TargetSink): void {
    const fault = this.#routing.fault();
    if (fault !== null) {
      sink.onRefused(RefusalReason.noLease, new Uint8Array(0), 0, 0);
      return;
    }
    this.running++;
    const done: ReplySink = {
      onReply: (reply) => {
        this.running--;
        sink.onReply(reply);
      },
    };
    if (command.kind === 'survey') this.runHere(command, args, done);
    else this.#sweep(command, args, done, []);
  }

  /** Surveys what this node is primary of, maybe in several turns. */
  runHere(command: SurveyCommand & Command, args: Args, sink: ReplySink): void {
    const { readers, node, replyBytesMax, answerDefect } = this.#parts;
    const hasCursor = command.parts === 'cursor';
    if (!hasCursor) this.#showOwn();
    const run = new SurveyRun(readers, node, replyBytesMax, answerDefect, hasCursor ? this.#views : readers);
    run.begin();
    const own = hasCursor ? this.#ownArgs(args) : args;
    const to = hasCursor ? this.#tagged(sink) : sink;
    if (run.step(command, own)) {
      run.deliver(to);
      return;
    }
    run.continueLater(command, copyArgs(own), () => run.deliver(to));
  }

  /** The arguments with the cursor as this process means it. */
  #ownArgs(args: Args): Args {
    const cursor = ownCursor(args, this.#tag);
    if (cursor === null) return args;
    const buffer = new ArgsBuffer().begin().integer(cursor);
    for (let index = 1; index < args.count; index++) buffer.bytes(args.bytes, args.start(index), args.end(index));
    return buffer.args;
  }

  #tagged(sink: ReplySink): ReplySink {
    return {
      onReply: (reply) => answer(sink, (out) => tagReply(reply, this.#tag, out)),
    };
  }

  /** Starts what waited until every partition has a node, or gives it up. */
  look(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    const nowMs = this.#routing.nowMs();
    for (const survey of waiting) {
      if (this.#isWhole()) survey.run();
      else if (nowMs >= survey.deadlineMs || this.#routing.fault() !== null) survey.giveUp();
      else this.#waiting.push(survey);
    }
    if (this.#waiting.length > 0) this.#routing.retries.tickSoon();
  }

  /** Gives up what waits. */
  stop(): void {
    for (const survey of this.#waiting.splice(0)) survey.giveUp();
  }

  #start(command: Wide, args: Args, sink: ReplySink, isLocal: boolean, deadlineMs: number): void {
    const fault = this.#routing.fault();
    if (fault !== null) {
      answer(sink, (reply) => reply.error(fault.code, fault.message));
    } else if (isLocal) {
      if (command.kind === 'survey') this.runHere(command, args, sink);
      else this.#sweep(command, args, sink, []);
    } else if (this.#isWhole()) {
      const nodes = this.#routing.routes.nodesWithPrimaries();
      if (command.kind === 'sweep') this.#sweep(command, args, sink, nodes);
      else if (nodes.length === 0) this.runHere(command, args, sink);
      else this.#survey(command, args, sink, nodes);
    } else {
      this.#waiting.push({
        deadlineMs,
        run: () => this.#start(command, args, sink, false, deadlineMs),
        giveUp: () => {
          const { code, message } = this.#routing.fault() ?? errorOfRefusal(null);
          answer(sink, (reply) => reply.error(code, message));
        },
      });
      this.#routing.retries.tickSoon();
    }
  }

  #survey(command: SurveyCommand & Command, args: Args, sink: ReplySink, nodes: readonly number[]): void {
    const gathering = new Gathering(nodes.length + 1, (replies) => {
      this.#conclude(command, sink, (out) => gatherSurvey(command.parts, replies, out));
    });
    for (const node of nodes) this.#sendPart(command, args, node, gathering.part());
    this.runHere(command, args, gathering.part());
  }

  #sweep(command: SweepCommand & Command, args: Args, sink: ReplySink, nodes: readonly number[]): void {
    const { shardCount } = this.#parts.map;
    const gathering = new Gathering(nodes.length + shardCount, (replies) => {
      const chosen = replies.find((reply) => reply.kind === ReplyKind.error) ?? (replies[0] as ReplyReader);
      sink.onReply(chosen);
    });
    for (let shard = 0; shard < shardCount; shard++) this.#sendPart(command, args, shard, gathering.part());
    for (const node of nodes) this.#sendPart(command, args, node, gathering.part());
  }

  #sendPart(command: Wide, args: Args, target: number, sink: TargetSink): void {
    const flight = this.#routing.flight(command, sink, null);
    flight.asker = sink;
    flight.flags = TargetFlag.localPart;
    this.#routing.send(flight, target, args, []);
  }

  #conclude(command: Command, sink: ReplySink, write: (out: ReplyWriter) => void): void {
    answer(sink, (out) => {
      out.limit(this.#parts.replyBytesMax());
      try {
        write(out);
      } catch (error) {
        if (!tellTooLarge(error, command.kind, out)) throw error;
      }
    });
  }

  #isWhole(): boolean {
    const { partitionCount } = this.#parts.map;
    for (let partition = 0; partition < partitionCount; partition++) {
      if (!this.#routing.isOpen(partition)) return false;
    }
    return true;
  }

  #showOwn(): void {
    const { gates, readers } = this.#parts;
    for (let partition = 0; partition < this.#own.length; partition++) {
      this.#own[partition] = isPrimary(gates, partition) ? 1 : 0;
    }
    for (const reader of readers) reader.shown = this.#own;
  }
}

function isPrimary(gates: PartitionGates, partition: number): boolean {
  const role = gates.role(partition);
  return role === GateRole.primary || role === GateRole.handingOver;
}

function answer(sink: ReplySink, write: (reply: ReplyWriter) => void): void {
  const writer = new ReplyWriter();
  write(writer);
  const reader = new ReplyReader();
  reader.openWritten(writer);
  sink.onReply(reader);
}
