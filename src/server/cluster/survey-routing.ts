import type { PartitionGates } from '../../cluster/partition-gates.ts';
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
import { errorOfRefusal, isPassing } from './refusal-errors.ts';
import { ownCursor, partitionOfCursor, tagOf, tagReply } from './scan-cursor.ts';
import { isPrimary, SurveySight } from './survey-sight.ts';
import { TargetFlag, type TargetSink } from './target.ts';

const nothing = new Uint8Array(0);

/** Of a sweep that some have refused to the end. */
const partlyDone = 'not every node took the command in time; it may be done in part, and can be done again';

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
  isReady(): boolean;
  run(): void;
  giveUp(): void;
}

/** A survey or sweep of a client, until it is answered. */
interface Asked {
  readonly command: Wide;
  readonly args: Args;
  readonly sink: ReplySink;
  /** Of this node's primaries only. */
  readonly isLocal: boolean;
  readonly deadlineMs: number;
}

/** What was read may not be told, for this reason. The arguments are those of the command; they may be read during the call. */
type OnRefused = (reason: RefusalReason, args: Args) => void;

/**
 * Runs commands over all keys, in a cluster: on every node that is primary of something, each for what it is primary of.
 * One over several nodes has its session wait until it is done.
 */
export class SurveyRouting {
  readonly #parts: SurveyRoutingParts;
  readonly #routing: KeyRouting;
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
    const start = (): void => this.#start({ command, args: copy, sink: answer, isLocal, deadlineMs });
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
      sink.onRefused(RefusalReason.noLease, nothing, 0, 0);
      return;
    }
    this.running++;
    const done: ReplySink = {
      onReply: (reply) => {
        this.running--;
        sink.onReply(reply);
      },
    };
    const refuse = (reason: RefusalReason): void => {
      this.running--;
      sink.onRefused(reason, nothing, 0, 0);
    };
    if (command.kind === 'survey') this.runHere(command, args, done, refuse);
    else this.#sweepParts(command, args, [], (reply) => done.onReply(reply), refuse);
  }

  /** Surveys what this node is primary of, maybe in several turns. */
  runHere(command: SurveyCommand & Command, args: Args, sink: ReplySink, onRefused: OnRefused): void {
    const { map, gates, readers, node, replyBytesMax, answerDefect } = this.#parts;
    const hasCursor = command.parts === 'cursor';
    const needed = hasCursor ? partitionOfCursor(args, map.partitionCount) : -1;
    const sight = new SurveySight(gates);
    if (!hasCursor) for (const reader of readers) reader.shown = sight.shown;
    const run = new SurveyRun(readers, node, replyBytesMax, answerDefect, hasCursor ? this.#views : readers);
    run.begin();
    const own = hasCursor ? this.#ownArgs(args) : args;
    const to = hasCursor ? this.#tagged(sink) : sink;
    const done = (asked: Args): void => {
      const fault = sight.fault(this.#routing.nowMs(), needed);
      if (fault === null) run.deliver(to);
      else onRefused(fault, asked);
    };
    if (run.step(command, own)) {
      done(args);
      return;
    }
    const asked = copyArgs(args);
    run.continueLater(command, copyArgs(own), () => done(asked));
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
      if (nowMs >= survey.deadlineMs || this.#routing.fault() !== null) survey.giveUp();
      else if (survey.isReady()) survey.run();
      else this.#waiting.push(survey);
    }
    if (this.#waiting.length > 0) this.#routing.retries.tickSoon();
  }

  /** Gives up what waits. */
  stop(): void {
    for (const survey of this.#waiting.splice(0)) survey.giveUp();
  }

  #start(asked: Asked): void {
    const { command, args, sink, isLocal } = asked;
    const fault = this.#routing.fault();
    if (fault !== null) {
      answer(sink, (reply) => reply.error(fault.code, fault.message));
    } else if (!isLocal && !this.#isWhole()) {
      this.#wait(asked, null);
    } else {
      const nodes = isLocal ? [] : this.#routing.routes.nodesWithPrimaries();
      if (command.kind === 'sweep') this.#sweep(asked, command, nodes);
      else if (nodes.length > 0) this.#survey(asked, command, nodes);
      else this.runHere(command, args, sink, (reason) => this.#refused(asked, reason));
    }
  }

  /** Nothing of it was told: it is begun anew, if the reason may be over soon. */
  #refused(asked: Asked, reason: RefusalReason): void {
    if (isPassing(reason) || reason === RefusalReason.noLease) {
      this.#wait(asked, reason);
      return;
    }
    const { code, message } = errorOfRefusal(reason);
    answer(asked.sink, (reply) => reply.error(code, asked.command.kind === 'sweep' ? partlyDone : message));
  }

  #wait(asked: Asked, reason: RefusalReason | null): void {
    const { gates } = this.#parts;
    this.#waiting.push({
      deadlineMs: asked.deadlineMs,
      isReady: () => (asked.isLocal ? gates.leaseLeftMs(this.#routing.nowMs()) > 0 : this.#isWhole()),
      run: () => this.#start(asked),
      giveUp: () => {
        const { code, message } = this.#routing.fault() ?? errorOfRefusal(reason);
        const isPartly = asked.command.kind === 'sweep' && reason !== null;
        answer(asked.sink, (reply) => reply.error(code, isPartly ? partlyDone : message));
      },
    });
    this.#routing.retries.tickSoon();
  }

  #survey(asked: Asked, command: SurveyCommand & Command, nodes: readonly number[]): void {
    const { args, sink } = asked;
    const gathering = new Gathering(nodes.length + 1, (replies, refusal) => {
      if (refusal !== null) this.#refused(asked, refusal);
      else this.#conclude(command, sink, (out) => gatherSurvey(command.parts, replies, out));
    });
    for (const node of nodes) this.#sendPart(command, args, node, gathering.part());
    const own = gathering.part();
    this.runHere(command, args, own, (reason) => own.onRefused(reason, nothing, 0, 0));
  }

  /** Done again where it was done already, it is as if it had been done later. */
  #sweep(asked: Asked, command: SweepCommand & Command, nodes: readonly number[]): void {
    this.#sweepParts(
      command,
      asked.args,
      nodes,
      (reply) => asked.sink.onReply(reply),
      (reason) => this.#refused(asked, reason),
    );
  }

  /** One of the two is called, once: `onRefused` if a part was refused, and none failed in another way. */
  #sweepParts(
    command: SweepCommand & Command,
    args: Args,
    nodes: readonly number[],
    onReply: (reply: ReplyReader) => void,
    onRefused: (reason: RefusalReason) => void,
  ): void {
    const { shardCount } = this.#parts.map;
    const gathering = new Gathering(nodes.length + shardCount, (replies, refusal) => {
      const errors = replies.filter((reply) => reply.kind === ReplyKind.error);
      if (refusal !== null && errors.every((reply) => reply.errorCode !== 'indeterminate')) onRefused(refusal);
      else onReply(errors[0] ?? (replies[0] as ReplyReader));
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
}

function answer(sink: ReplySink, write: (reply: ReplyWriter) => void): void {
  const writer = new ReplyWriter();
  write(writer);
  const reader = new ReplyReader();
  reader.openWritten(writer);
  sink.onReply(reader);
}
