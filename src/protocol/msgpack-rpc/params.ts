import { headBytesOf, kindOf, skipValue, WireKind } from '../../base/msgpack-wire.ts';
import { ValueType } from '../../base/view.ts';
import type { Command } from '../../command/command.ts';
import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../http/args-builder.ts';
import { DocumentText } from './document-text.ts';
import type { RpcLimits } from './limits.ts';
import type { MessageReader } from './message-reader.ts';
import { appendNumber } from './number-text.ts';
import { OptionWords } from './option-words.ts';
import { type RpcRefusal, refuse } from './refusal.ts';

const setCommand = commandTable.named('set');
const msetCommand = commandTable.named('mset');
const typedMsetCommand = commandTable.named('flux.mset');
const removeIfCommand = commandTable.named('flux.removeif');
const removals = new Set(['del', 'delete', 'unlink'].map((name) => commandTable.named(name)));

/** Values of a `json.*` command stand behind its key and path. */
const jsonValuesFrom = 2;

/** Makes the arguments of a command of the params of a message. A record that is refilled for every message. */
export class Params {
  readonly builder = new ArgsBuilder();
  /** The command to run, which may be another that stands for the one asked for. */
  command: Command = setCommand;
  /** The answer is to hold the version. */
  returnsVersion = false;
  readonly #limits: RpcLimits;
  readonly #document: DocumentText;
  readonly #options = new OptionWords();

  constructor(limits: RpcLimits) {
    this.#limits = limits;
    this.#document = new DocumentText(limits.valueBytesMax);
  }

  /**
   * Reads the params of the message that `reader` stands on for `command`; why that cannot be, or null. Of a subcommand
   * named in the method, `subcommand` is its own name, which stays the first argument.
   */
  read(command: Command, bytes: Uint8Array, reader: MessageReader, subcommand: string): RpcRefusal | null {
    const { paramCount, paramsStart } = reader;
    const { builder } = this;
    this.command = command;
    this.returnsVersion = false;
    builder.clear(0);
    if (paramCount > this.#limits.paramsMax) {
      return refuse('request-too-large', `a request has at most ${this.#limits.paramsMax} params`);
    }
    if (subcommand !== '') builder.word(subcommand);
    if (command === msetCommand) return this.#mset(bytes, paramsStart, paramCount);
    let at = paramsStart;
    for (let index = 0; index < paramCount; index++) {
      const kind = kindOf(bytes[at] as number);
      const end = skipValue(bytes, at);
      let refusal: RpcRefusal | null;
      if (kind === WireKind.map && index === paramCount - 1 && takesOptions(command, builder.args.count)) {
        refusal = this.#readOptions(bytes, at);
      } else if (command === setCommand && index === 1) refusal = this.#typedValue(bytes, at, end);
      else if (kind <= WireKind.boolean || kind >= WireKind.array)
        refusal = this.#documentOf(command, index, bytes, at);
      else refusal = this.#scalar(kind, bytes, at, end);
      if (refusal !== null) return refusal;
      at = end;
    }
    return null;
  }

  /** A str, bin or number as it is. */
  #scalar(kind: WireKind, bytes: Uint8Array, at: number, end: number): RpcRefusal | null {
    const { builder } = this;
    if (kind === WireKind.number) {
      const start = builder.length;
      const refusal = appendNumber(bytes, at, builder);
      builder.end(start);
      return refusal;
    }
    builder.copy(bytes, at + headBytesOf(bytes[at] as number), end);
    return null;
  }

  #documentOf(command: Command, index: number, bytes: Uint8Array, at: number): RpcRefusal | null {
    if (kindOf(bytes[at] as number) === WireKind.ext) return refuse('invalid-argument', 'ext values are not taken');
    if (command.group !== 'json' || index < jsonValuesFrom) {
      return refuse('invalid-argument', `param ${index + 1} of '${command.name}' must be a str, a bin or a number`);
    }
    return this.#appendDocument(bytes, at);
  }

  #appendDocument(bytes: Uint8Array, at: number): RpcRefusal | null {
    const start = this.builder.length;
    const refusal = this.#document.append(bytes, at, this.builder);
    if (refusal === null) this.builder.end(start);
    return refusal;
  }

  /** The value of a SET, and the word for its type unless it is text. */
  #typedValue(bytes: Uint8Array, at: number, end: number): RpcRefusal | null {
    const kind = kindOf(bytes[at] as number);
    if (kind === WireKind.str) return this.#scalar(kind, bytes, at, end);
    const refusal = this.#value(kind, bytes, at, end);
    if (refusal !== null) return refusal;
    this.builder.word('TYPE');
    this.builder.word(kind === WireKind.bin ? 'BYTES' : kind === WireKind.number ? 'NUMBER' : 'JSON');
    return null;
  }

  #value(kind: WireKind, bytes: Uint8Array, at: number, end: number): RpcRefusal | null {
    if (kind === WireKind.ext) return refuse('invalid-argument', 'ext values are not taken');
    const isScalar = kind === WireKind.str || kind === WireKind.bin || kind === WireKind.number;
    return isScalar ? this.#scalar(kind, bytes, at, end) : this.#appendDocument(bytes, at);
  }

  /** Keys and values in turns; a command with types beside the values unless all of them are text. */
  #mset(bytes: Uint8Array, paramsStart: number, paramCount: number): RpcRefusal | null {
    if (paramCount === 0 || paramCount % 2 !== 0) {
      return refuse('arity', "wrong number of arguments for 'mset' command");
    }
    let isText = true;
    let at = paramsStart;
    for (let index = 0; index < paramCount; index++) {
      if (index % 2 === 1 && kindOf(bytes[at] as number) !== WireKind.str) isText = false;
      at = skipValue(bytes, at);
    }
    if (!isText) this.command = typedMsetCommand;
    at = paramsStart;
    for (let index = 0; index < paramCount; index++) {
      const kind = kindOf(bytes[at] as number);
      const end = skipValue(bytes, at);
      let refusal: RpcRefusal | null;
      if (index % 2 === 1) {
        if (!isText) this.builder.integer(typeOf(kind));
        refusal = this.#value(kind, bytes, at, end);
      } else if (kind <= WireKind.boolean || kind >= WireKind.array) {
        refusal = this.#documentOf(msetCommand, index, bytes, at);
      } else refusal = this.#scalar(kind, bytes, at, end);
      if (refusal !== null) return refusal;
      at = end;
    }
    return null;
  }

  #readOptions(bytes: Uint8Array, at: number): RpcRefusal | null {
    const options = this.#options;
    const refusal = options.read(bytes, at, skipValue(bytes, at), this.command.syntax);
    if (refusal !== null) return refusal;
    const { builder, command } = this;
    const isRemoval = removals.has(command);
    if (options.ifVersion !== null && isRemoval) {
      if (builder.args.count !== 1 || options.words.length > 0) {
        return refuse('syntax', 'ifVersion stands for one key, and alone');
      }
      this.command = removeIfCommand;
      builder.word(options.ifVersion);
      return null;
    }
    if (options.ifVersion !== null) options.words.push('IFVERSION', options.ifVersion);
    if (options.returnsVersion && (command.kind !== 'write' || command.gather !== 'single')) {
      return refuse('syntax', `returnVersion stands for writes of one key, not for '${command.name}'`);
    }
    this.returnsVersion = options.returnsVersion;
    if (options.words.length > 0 && command.keys.last < 0) {
      return refuse('syntax', `'${command.name}' takes no such option`);
    }
    for (const word of options.words) {
      const source = typeof word === 'string' ? encoder.encode(word) : word;
      builder.copy(source, 0, source.length);
    }
    return null;
  }
}

const encoder = new TextEncoder();

function typeOf(kind: WireKind): ValueType {
  switch (kind) {
    case WireKind.str:
      return ValueType.string;
    case WireKind.bin:
      return ValueType.bytes;
    case WireKind.number:
      return ValueType.number;
    default:
      return ValueType.json;
  }
}

/** Whether a map behind `argCount` arguments holds options: documents' commands take it for a value. */
function takesOptions(command: Command, argCount: number): boolean {
  return command.group !== 'json' && argCount >= Math.abs(command.arity) - 1;
}
