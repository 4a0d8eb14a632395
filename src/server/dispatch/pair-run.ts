import type { Args } from '../../command/args.ts';
import type { Steps } from '../../command/command.ts';
import type { ReplyReader } from '../../command/reply.ts';
import type { ReplySink } from '../../shard/shard-client.ts';
import type { OrderedSession } from './ordered-session.ts';
import type { Scratch } from './reply-scratch.ts';

/** What a command by steps asks of the dispatcher. */
export interface PairPort {
  /** Sends the command of that name to the shard of its key; the sink is called in any case, and once. */
  runStep(name: string, args: Args, sink: ReplySink): void;
  pairDone(): void;
}

/** A command over two keys of two shards, on its way from step to step. */
export class PairRun implements ReplySink {
  readonly #port: PairPort;
  readonly #steps: Steps;
  readonly #sink: ReplySink;
  readonly #session: OrderedSession | null;
  readonly #scratch: Scratch;

  constructor(port: PairPort, steps: Steps, sink: ReplySink, session: OrderedSession | null, scratch: Scratch) {
    this.#port = port;
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
    const step = this.#steps.next(previous, writer);
    if (step !== null) {
      this.#port.runStep(step.command, step.args, this);
      return;
    }
    reader.openWritten(writer);
    this.#port.pairDone();
    this.#sink.onReply(reader);
    this.#session?.unblock();
  }
}
