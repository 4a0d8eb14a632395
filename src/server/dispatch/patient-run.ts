import type { Args } from '../../command/args.ts';
import type { Command, Patience } from '../../command/command.ts';
import { ReplyReader, type ReplySink } from '../../command/reply.ts';
import { copyArgs } from './copy-args.ts';
import type { OrderedSession } from './ordered-session.ts';
import type { RunCount } from './run-count.ts';

/** Between two times of asking: it grows, and differs by up to a half so that those who wait do not ask all at once. */
const PAUSE_MS = { first: 5, most: 50, factor: 1.5 };

/** What a command that waits asks of the dispatcher. */
export interface PatiencePort extends RunCount {
  /** Runs the command for nobody's connection, once and without waiting. */
  ask(command: Command, args: Args, sink: ReplySink): void;
}

/** Reads ahead in a reply whose own reader is to stay where it is. */
const lookAhead = new ReplyReader();

/**
 * Runs a command again and again until its reply is one that is not waited for, or `waitMs` are over: then it is the last
 * reply. Behind what its connection has under way; what it sends next waits.
 */
export function runPatiently(
  port: PatiencePort,
  command: Command,
  patience: Patience,
  waitMs: number,
  args: Args,
  sink: ReplySink,
  session: OrderedSession | null,
): void {
  const run = new PatientRun(port, command, patience, waitMs, copyArgs(args), sink, session);
  port.runBegan();
  if (session === null) run.ask();
  else session.blockUntilIdle(() => run.ask());
}

class PatientRun implements ReplySink {
  readonly #port: PatiencePort;
  readonly #command: Command;
  readonly #patience: Patience;
  readonly #args: Args;
  readonly #sink: ReplySink;
  readonly #session: OrderedSession | null;
  readonly #untilMs: number;
  #pauseMs = PAUSE_MS.first;

  constructor(
    port: PatiencePort,
    command: Command,
    patience: Patience,
    waitMs: number,
    args: Args,
    sink: ReplySink,
    session: OrderedSession | null,
  ) {
    this.#port = port;
    this.#command = command;
    this.#patience = patience;
    this.#args = args;
    this.#sink = sink;
    this.#session = session;
    this.#untilMs = performance.now() + waitMs;
  }

  ask(): void {
    this.#port.ask(this.#command, this.#args, this);
  }

  onReply(reply: ReplyReader): void {
    const leftMs = this.#untilMs - performance.now();
    if (leftMs > 0 && this.#isUnready(reply)) {
      const pauseMs = this.#pauseMs * (1 + Math.random() / 2);
      this.#pauseMs = Math.min(this.#pauseMs * PAUSE_MS.factor, PAUSE_MS.most);
      setTimeout(() => this.ask(), Math.min(pauseMs, leftMs));
      return;
    }
    this.#port.runEnded();
    try {
      this.#sink.onReply(reply);
    } finally {
      this.#session?.unblock();
    }
  }

  #isUnready(reply: ReplyReader): boolean {
    lookAhead.open(reply.bytes, reply.partStart, reply.bytes.length);
    return this.#patience.isUnready(lookAhead);
  }
}
