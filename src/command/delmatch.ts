import type { Args } from './args.ts';
import { ArgsBuffer } from './args-buffer.ts';
import { type CommandDeclaration, type EndableSteps, noKeys, type Step } from './command.ts';
import { decodeSmallInteger } from './decimal.ts';
import { isWord, syntaxError } from './options.ts';
import { ReplyKind, type ReplyReader, type ReplyWriter } from './reply.ts';
import { patternBytesMax } from './scan.ts';

/** Entries looked at in one step unless it is said: some tenths of a millisecond, with their removal. */
const countDefault = 512;
const countMax = 4096;

/** Scans, removes what was found, and goes on where it was, until all keys were seen. */
class DeleteMatching implements EndableSteps {
  readonly #args = new ArgsBuffer().begin();
  readonly #buffer = new ArgsBuffer();
  #stage: 'begin' | 'scanned' | 'removed' = 'begin';
  #cursor = '0';
  #count = countDefault;
  #removed = 0;

  constructor(args: Args) {
    for (let index = 0; index < args.count; index++) this.#args.bytes(args.bytes, args.start(index), args.end(index));
  }

  next(previous: ReplyReader | null, reply: ReplyWriter): Step | null {
    if (previous === null) return this.#decode(reply) ? this.#scan() : null;
    if (previous.kind === ReplyKind.error) {
      reply.error(previous.errorCode, `${previous.text} (${this.#removed} keys were removed before)`);
      return null;
    }
    if (this.#stage === 'scanned') return this.#remove(previous, reply);
    this.#removed += previous.number;
    return this.#goOn(reply);
  }

  end(previous: ReplyReader | null, reply: ReplyWriter): void {
    if (this.#stage === 'removed' && previous?.kind === ReplyKind.integer) this.#removed += previous.number;
    reply.error('interrupted', `the client ended it; ${this.#removed} keys were removed before`);
  }

  /** The options are of the first step: only there is a reply to write an error to. */
  #decode(reply: ReplyWriter): boolean {
    const { args } = this.#args;
    if (args.byteLength(0) > patternBytesMax) {
      reply.error('invalid-argument', `pattern is longer than ${patternBytesMax} bytes`);
      return false;
    }
    if (args.count === 1) return true;
    if (args.count !== 3 || !isWord(args, 1, 'COUNT')) {
      syntaxError(reply);
      return false;
    }
    this.#count = decodeSmallInteger(args.bytes, args.start(2), args.end(2));
    if (this.#count >= 1 && this.#count <= countMax) return true;
    reply.error('invalid-argument', `COUNT must be from 1 to ${countMax}`);
    return false;
  }

  #scan(): Step {
    this.#stage = 'scanned';
    const { args } = this.#args;
    const buffer = this.#buffer.begin().text(this.#cursor).text('MATCH').bytes(args.bytes, args.start(0), args.end(0));
    return { command: 'flux.scan', args: buffer.text('COUNT').integer(this.#count).args };
  }

  #remove(page: ReplyReader, reply: ReplyWriter): Step | null {
    page.next();
    this.#cursor = page.text;
    page.next();
    const found = page.count;
    if (found === 0) return this.#goOn(reply);
    this.#stage = 'removed';
    const buffer = this.#buffer.begin();
    for (let index = 0; index < found; index++) {
      page.next();
      buffer.bytes(page.bytes, page.start, page.end);
    }
    return { command: 'del', args: buffer.args };
  }

  #goOn(reply: ReplyWriter): Step | null {
    if (this.#cursor !== '0') return this.#scan();
    reply.integer(this.#removed);
    return null;
  }
}

export const deleteMatchingCommands: readonly CommandDeclaration[] = [
  {
    kind: 'steps',
    patternOf: (args) => args.view(0),
    name: 'delmatch',
    arity: -2,
    flags: ['write', 'no_multi'],
    categories: ['dangerous'],
    keys: noKeys,
    group: 'cache',
    since: 'FluxCache 0.1.0',
    summary:
      'Removes all keys that match a pattern, on all nodes; returns how many. In steps of about COUNT keys (512 unless ' +
      'given) looked at, between which other commands run: keys that come meanwhile may stay. It ends with its step when the ' +
      'client closes its connection, or its side of it, before the reply.',
    complexity: 'O(N) where N is the number of all keys',
    syntax: 'pattern [COUNT count]',
    start: (args) => new DeleteMatching(args),
  },
];
