import { ReplyReader, ReplyWriter } from '../../command/reply.ts';

/** A reply being made on a front end, and the cursor that hands it over. */
export interface Scratch {
  readonly writer: ReplyWriter;
  readonly reader: ReplyReader;
}

/**
 * Replies made on a front end, to be used again. A sink that is given one may call for another command, whose reply
 * must not overwrite the one being read: so they are taken and given back in stack order.
 */
export class ReplyScratch {
  readonly #stack: Scratch[] = [];
  readonly #bytesMax: () => number;
  #depth = 0;

  /** `bytesMax` is the limit of a reply. */
  constructor(bytesMax: () => number) {
    this.#bytesMax = bytesMax;
  }

  take(): Scratch {
    const depth = this.#depth++;
    let scratch = this.#stack[depth];
    if (scratch === undefined) {
      scratch = { writer: new ReplyWriter(), reader: new ReplyReader() };
      this.#stack.push(scratch);
    }
    scratch.writer.limit(this.#bytesMax());
    return scratch;
  }

  give(): void {
    this.#depth--;
    // Now and not when it is taken again: a large reply's memory is not kept until then.
    (this.#stack[this.#depth] as Scratch).writer.clear();
  }
}
