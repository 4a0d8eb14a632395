import type { ReadView } from '../../base/view.ts';
import type { Args } from '../../command/args.ts';
import type { Command, NodePort, SurveyCommand } from '../../command/command.ts';
import { ReplyReader, ReplyWriter } from '../../command/reply.ts';
import type { ReplySink } from '../../shard/shard-client.ts';
import type { LocalReader } from './local-reader.ts';

/** How soon a reader that met a group of writes being published looks again: the writer takes microseconds. */
const RETRY_MS = 1;

/** A command over all shards, which may take several turns of the event loop. Used again for another when it is done. */
export class SurveyRun {
  readonly #readers: readonly LocalReader[];
  readonly #views: readonly ReadView[];
  readonly #node: NodePort;
  readonly #onDefect: (command: Command, error: unknown, reply: ReplyWriter) => void;
  readonly #writer = new ReplyWriter();
  readonly #reader = new ReplyReader();
  readonly #bytesMax: () => number;
  #resume = 0;

  /** `views` are what the command is shown: the readers, if it is not told. */
  constructor(
    readers: readonly LocalReader[],
    node: NodePort,
    bytesMax: () => number,
    onDefect: (command: Command, error: unknown, reply: ReplyWriter) => void,
    views: readonly ReadView[] = readers,
  ) {
    this.#readers = readers;
    this.#views = views;
    this.#node = node;
    this.#bytesMax = bytesMax;
    this.#onDefect = onDefect;
  }

  begin(): void {
    this.#writer.clear();
    this.#writer.limit(this.#bytesMax());
    this.#resume = 0;
  }

  /** One bounded piece of the work; true when the reply is complete. */
  step(command: SurveyCommand & Command, args: Args): boolean {
    const entered = this.#enter();
    let done = false;
    try {
      if (entered === this.#readers.length) {
        this.#resume = command.run(this.#views, this.#node, args, this.#writer, this.#resume);
        done = this.#resume === 0;
      }
    } catch (error) {
      this.#onDefect(command, error, this.#writer);
      done = true;
    } finally {
      // What several shards held at one moment cannot be told anyway, so the verdicts do not matter.
      for (let shard = 0; shard < entered; shard++) (this.#readers[shard] as LocalReader).leave();
    }
    return done;
  }

  /** Goes on in later turns until the reply is complete. */
  continueLater(command: SurveyCommand & Command, args: Args, onDone: () => void): void {
    const turn = (): void => {
      const before = this.#resume;
      if (this.step(command, args)) onDone();
      else if (this.#resume === before) setTimeout(turn, RETRY_MS);
      else setImmediate(turn);
    };
    setImmediate(turn);
  }

  deliver(sink: ReplySink): void {
    this.#reader.openWritten(this.#writer);
    sink.onReply(this.#reader);
  }

  /** Number of shards whose reading began, in their order; less than all when one of them declined. */
  #enter(): number {
    let entered = 0;
    for (const reader of this.#readers) {
      if (!reader.enter()) break;
      entered++;
    }
    return entered;
  }
}
