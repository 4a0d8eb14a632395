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
  #depth = 0;

  take(): Scratch {
    const depth = this.#depth++;
    let scratch = this.#stack[depth];
    if (scratch === undefined) {
      scratch = { writer: new ReplyWriter(), reader: new ReplyReader() };
      this.#stack.push(scratch);
    }
    scratch.writer.clear();
    return scratch;
  }

  give(): void {
    this.#depth--;
  }
}
