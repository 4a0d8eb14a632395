import { AssertionError, assert } from '../../base/assert.ts';
import type { Args } from '../../command/args.ts';
import type { Command, EndableSteps, Step, SteppedCommand } from '../../command/command.ts';
import { ReplyReader, type ReplySink, ReplyWriter } from '../../command/reply.ts';
import type { OrderedSession } from './ordered-session.ts';
import type { RunCount } from './run-count.ts';

/** What a command made of others asks of the dispatcher. */
export interface StepPort extends RunCount {
  /** Runs the command of that name for nobody's connection; the sink is called in any case, and once. */
  runOwn(name: string, args: Args, sink: ReplySink): void;
  /** Writes the reply of a command that threw; throws on what is an assertion. */
  answerDefect(command: Command, error: unknown, reply: ReplyWriter): void;
}

type Stepped = SteppedCommand & Command;

/**
 * Runs a command that is made of others: behind what its connection has under way, and in front of what it sends next. When
 * its client goes, it ends with its next step.
 */
export function runSteps(
  port: StepPort,
  command: Stepped,
  args: Args,
  sink: ReplySink,
  session: OrderedSession | null,
): void {
  const run = new StepRun(port, command, command.start(args), sink, session);
  if (session === null) run.start();
  else session.blockUntilIdle(() => run.start(), true);
}

class StepRun implements ReplySink {
  readonly #port: StepPort;
  readonly #command: Stepped;
  readonly #steps: EndableSteps;
  readonly #sink: ReplySink;
  readonly #session: OrderedSession | null;
  readonly #writer = new ReplyWriter();

  constructor(port: StepPort, command: Stepped, steps: EndableSteps, sink: ReplySink, session: OrderedSession | null) {
    this.#port = port;
    this.#command = command;
    this.#steps = steps;
    this.#sink = sink;
    this.#session = session;
  }

  start(): void {
    this.#port.runBegan();
    this.#advance(null);
  }

  onReply(reply: ReplyReader): void {
    this.#advance(reply);
  }

  #advance(previous: ReplyReader | null): void {
    let step: Step | null = null;
    try {
      if (this.#session?.isGone) this.#steps.end(previous, this.#writer);
      else step = this.#steps.next(previous, this.#writer);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#port.answerDefect(this.#command, error, this.#writer);
    }
    if (step === null) this.#finish();
    else {
      const { command, args } = step;
      // A step may be answered at once, and so on: others have their turn between two of them.
      setImmediate(() => this.#port.runOwn(command, args, this));
    }
  }

  #finish(): void {
    assert(this.#writer.length > 0, 'what has no further step has its reply');
    const reader = new ReplyReader();
    reader.openWritten(this.#writer);
    this.#port.runEnded();
    try {
      this.#sink.onReply(reader);
    } finally {
      this.#session?.unblock();
    }
  }
}
