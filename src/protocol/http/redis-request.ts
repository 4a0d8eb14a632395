import type { ArgsBuilder } from './args-builder.ts';
import { JsonScanner } from './json-scanner.ts';
import type { HttpLimits } from './limits.ts';
import { type Refusal, refuse } from './refusal.ts';

/** Where the parts of one command stand in the bytes they were read into: part 0 is its name. */
export interface CommandParts {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const quote = 0x22;

/**
 * Reads commands in Redis's shape, `["SET","key","value"]`, or an array of them. A string is its text, a number its
 * digits as they are written, `true` and `false` these words; an object or array is the JSON text it is.
 */
export class RedisRequestReader {
  readonly #scanner: JsonScanner;
  readonly #limits: HttpLimits;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
    this.#scanner = new JsonScanner(limits.jsonDepthMax);
  }

  /** Reads a body that is one command. `target` is begun anew. */
  readOne(body: Uint8Array, target: ArgsBuilder): CommandParts | Refusal {
    const scanner = this.#scanner;
    target.clear(body.length);
    scanner.open(body, 0, body.length);
    if (scanner.peek() !== openBracket) return notAnArray('["SET","key","value"]');
    const parts = this.#command(target);
    if ('code' in parts) return parts;
    return this.#end() ?? parts;
  }

  /** Reads a body that is an array of commands, of which there may be as many as of the operations of a batch. */
  readAll(body: Uint8Array, target: ArgsBuilder): CommandParts[] | Refusal {
    const scanner = this.#scanner;
    target.clear(body.length);
    scanner.open(body, 0, body.length);
    if (scanner.peek() !== openBracket) return notAnArray('[["SET","key","value"],["GET","key"]]');
    scanner.at++;
    const commands: CommandParts[] = [];
    const { batchOperationsMax } = this.#limits;
    while (scanner.peek() !== closeBracket || commands.length > 0) {
      if (commands.length === batchOperationsMax) {
        const detail = `there are more than ${batchOperationsMax} commands`;
        return refuse('request-too-large', detail, 'commands', `up to ${batchOperationsMax}`);
      }
      const parts = scanner.peek() === openBracket ? this.#command(target) : this.#wrong('an array for each command');
      if ('code' in parts) return { ...parts, detail: `command ${commands.length}: ${parts.detail}` };
      commands.push(parts);
      if (scanner.peek() === closeBracket) break;
      if (scanner.peek() !== comma) return this.#wrong("',' or ']'");
      scanner.at++;
    }
    if (commands.length === 0) return refuse('bad-request', 'there is no command in the array');
    scanner.at++;
    return this.#end() ?? commands;
  }

  /** Reads the array at the cursor. */
  #command(target: ArgsBuilder): CommandParts | Refusal {
    const scanner = this.#scanner;
    const starts: number[] = [];
    const ends: number[] = [];
    scanner.at++;
    while (scanner.peek() !== closeBracket || starts.length > 0) {
      const refusal = this.#part(starts, ends, target);
      if (refusal !== null) return refusal;
      if (scanner.peek() === closeBracket) break;
      if (scanner.peek() !== comma) return this.#wrong("',' or ']'");
      scanner.at++;
    }
    scanner.at++;
    return starts.length > 0 ? { starts, ends } : refuse('bad-request', 'the command is empty');
  }

  #part(starts: number[], ends: number[], target: ArgsBuilder): Refusal | null {
    const scanner = this.#scanner;
    const first = scanner.peek();
    const start = target.length;
    if (first === quote) {
      if (!scanner.string(target)) return scanner.refusal;
    } else {
      const from = scanner.at;
      if (!scanner.value()) return scanner.refusal;
      if (starts.length === 0) return refuse('bad-request', "the command's name must be a string");
      if (first === 0x6e) return refuse('invalid-argument', `argument ${starts.length} is null`);
      target.append(scanner.bytes, from, scanner.at);
    }
    const length = target.length - start;
    const { valueBytesMax } = this.#limits;
    if (length > valueBytesMax) {
      const detail = `argument ${starts.length} has ${length} bytes; the limit is ${valueBytesMax}`;
      return refuse('value-too-large', detail);
    }
    starts.push(start);
    ends.push(target.length);
    return null;
  }

  #end(): Refusal | null {
    return this.#scanner.peek() < 0 ? null : this.#wrong('the end of the body');
  }

  #wrong(wanted: string): Refusal {
    this.#scanner.unexpected(wanted);
    return this.#scanner.refusal as Refusal;
  }
}

function notAnArray(example: string): Refusal {
  return refuse('bad-request', `the body must be a JSON array: ${example}`);
}
