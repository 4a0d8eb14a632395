import type { Args } from '../../command/args.ts';
import type { Command, PairCommand, Step, Steps } from '../../command/command.ts';
import { ReplyReader, ReplyWriter } from '../../command/reply.ts';
import type { ReplySink } from '../../shard/shard-client.ts';
import type { OrderedSession } from './ordered-session.ts';
import type { Scratch } from './reply-scratch.ts';
import type { RunCount } from './run-count.ts';

/** What a command by steps asks of the dispatcher. */
export interface PairPort extends RunCount {
  /** Bytes that the reply may have. */
  replyBytesMax(): number;
  /** Sends the command of that name to the shard of its key; the sink is called in any case, and once. */
  runStep(name: string, args: Args, sink: ReplySink, session: OrderedSession | null): void;
  /** Writes the reply of a command that threw; throws on what is an assertion. */
  answerDefect(command: Command, error: unknown, reply: ReplyWriter): void;
}

/** Runs a command over two keys of two shards, step by step. */
export function runPair(
  port: PairPort,
  command: PairCommand & Command,
  args: Args,
  sink: ReplySink,
  session: OrderedSession | null,
): void {
  const scratch = { writer: new ReplyWriter(), reader: new ReplyReader() };
  scratch.writer.limit(port.replyBytesMax());
  let steps: Steps;
  try {
    steps = command.start(args);
  } catch (error) {
    port.answerDefect(command, error, scratch.writer);
    scratch.reader.openWritten(scratch.writer);
    sink.onReply(scratch.reader);
    return;
  }
  port.runBegan();
  new PairRun(port, command, steps, sink, session, scratch).start();
}

/** A command over two keys of two shards, on its way from step to step. */
class PairRun implements ReplySink {
  readonly #port: PairPort;
  readonly #command: PairCommand & Command;
  readonly #steps: Steps;
  readonly #sink: ReplySink;
  readonly #session: OrderedSession | null;
  readonly #scratch: Scratch;

  constructor(
    port: PairPort,
    command: PairCommand & Command,
    steps: Steps,
    sink: ReplySink,
    session: OrderedSession | null,
    scratch: Scratch,
  ) {
    this.#port = port;
    this.#command = command;
    this.#steps = steps;
    this.#sink = sink;
    this.#session = session;
    this.#scratch = scratch;
  }

  /** Later commands of the connection wait, or they would overtake the steps to come. */
  start(): void {
    this.#session?.block();
    this.#advance(null);
  }

  onReply(reply: ReplyReader): void {
    this.#advance(reply);
  }

  #advance(previous: ReplyReader | null): void {
    const { writer, reader } = this.#scratch;
    let step: Step | null = null;
    try {
      step = this.#steps.next(previous, writer);
    } catch (error) {
      this.#port.answerDefect(this.#command, error, writer);
    }
    if (step !== null) {
      this.#port.runStep(step.command, step.args, this, this.#session);
      return;
    }
    reader.openWritten(writer);
    this.#port.runEnded();
    try {
      this.#sink.onReply(reader);
    } finally {
      this.#session?.unblock();
    }
  }
}
