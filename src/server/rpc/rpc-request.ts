import type { ErrorCode } from '../../base/errors.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import { commandTable, hasArity, lastKeyOf } from '../../command/table.ts';
import type { MessageReader } from '../../protocol/msgpack-rpc/message-reader.ts';
import { Params } from '../../protocol/msgpack-rpc/params.ts';
import { ResultForm } from '../../protocol/msgpack-rpc/response-encoder.ts';
import { Method, type OwnMethod } from './method.ts';
import type { RpcNode } from './rpc-node.ts';

const setCommand = commandTable.named('set');
const msetCommand = commandTable.named('mset');
const entryCommand = commandTable.named('flux.entry');

/** Makes of a message the command that it asks for. A record that is refilled for every message. */
export class RpcRequest {
  /** A method that no command of the table stands for; then the fields below mean nothing. */
  own: Exclude<OwnMethod, 'entry'> | null = null;
  command: Command = entryCommand;
  args: Args;
  form: ResultForm = ResultForm.plain;
  readonly #node: RpcNode;
  readonly #method: Method;
  readonly #params: Params;
  readonly #reader: MessageReader;
  readonly #plainArgs: Args;
  readonly #refusal: ReplyWriter;

  /** `plainArgs` is what the reader pushes to; `refusal` gets the error of what cannot be run. */
  constructor(node: RpcNode, reader: MessageReader, plainArgs: Args, refusal: ReplyWriter) {
    this.#node = node;
    this.#method = new Method(node.table);
    this.#params = new Params(node.limits);
    this.#reader = reader;
    this.#plainArgs = plainArgs;
    this.args = plainArgs;
    this.#refusal = refusal;
  }

  /**
   * Prepares what the reader stands on; false, with the error written, when it cannot be run. `isPlain`: its params were
   * pushed as arguments.
   */
  prepare(bytes: Uint8Array, isPlain: boolean): boolean {
    const { methodStart, methodEnd, hasBin } = this.#reader;
    this.#refusal.clear();
    this.own = null;
    this.form = ResultForm.plain;
    const method = this.#method;
    const isKnown = method.find(bytes, methodStart, methodEnd);
    if (isKnown && method.own !== null) return this.#prepareOwn(method.own, bytes);
    const row = method.command;
    if (!isKnown || row === null) return this.#unknown(bytes, isPlain);
    const isTyped = hasBin && (row === setCommand || row === msetCommand);
    if (isPlain && !isTyped && method.subcommand === '') this.args = this.#plainArgs;
    else {
      if (!this.#readParams(row, bytes, method.subcommand)) return false;
      // Another stands for the one that was named.
      if (this.command !== row) return this.#fits(row);
    }
    const { table, limits } = this.#node;
    const command = table.resolve(bytes, methodStart, method.nameEnd, this.args, limits.keyBytesMax, this.#refusal);
    if (command === null) return false;
    this.command = command;
    return this.#valuesFit();
  }

  /** The params as arguments: str, bin and numbers. False, with the error written, when they are anything else. */
  readArgs(bytes: Uint8Array): boolean {
    return this.#readParams(entryCommand, bytes, '');
  }

  #prepareOwn(own: OwnMethod, bytes: Uint8Array): boolean {
    if (own !== 'entry') {
      this.own = own;
      return true;
    }
    if (!this.#readParams(entryCommand, bytes, '')) return false;
    this.form = ResultForm.entry;
    return this.#fits(entryCommand);
  }

  #readParams(row: Command, bytes: Uint8Array, subcommand: string): boolean {
    const params = this.#params;
    const refusal = params.read(row, bytes, this.#reader, subcommand);
    if (refusal !== null) return this.#fail(refusal.code, refusal.message);
    this.command = params.command;
    this.args = params.builder.args;
    if (params.returnsVersion) this.form = ResultForm.version;
    return true;
  }

  /** What the table checks of commands that it is asked for by name. */
  #fits(row: Command): boolean {
    const { command, args } = this;
    if (!hasArity(command, args.count)) {
      return this.#fail(
        'arity',
        `wrong number of arguments for '${row === entryCommand ? 'entry' : row.name}' command`,
      );
    }
    const { keyBytesMax } = this.#node.limits;
    const last = lastKeyOf(command, args);
    for (let at = command.keys.first; at <= last; at += command.keys.step) {
      const length = args.byteLength(at);
      if (length > keyBytesMax) {
        return this.#fail('key-too-large', `key is too large: ${length} bytes, the limit is ${keyBytesMax}`);
      }
    }
    return this.#valuesFit();
  }

  #valuesFit(): boolean {
    const { args } = this;
    const { valueBytesMax } = this.#node.limits;
    for (let at = 0; at < args.count; at++) {
      const length = args.byteLength(at);
      if (length > valueBytesMax) {
        return this.#fail('value-too-large', `value is too large: ${length} bytes, the limit is ${valueBytesMax}`);
      }
    }
    return true;
  }

  #unknown(bytes: Uint8Array, isPlain: boolean): boolean {
    const { methodStart, methodEnd } = this.#reader;
    const { table, limits } = this.#node;
    if (!isPlain) this.#plainArgs.clear(bytes);
    const found = table.resolve(bytes, methodStart, methodEnd, this.#plainArgs, limits.keyBytesMax, this.#refusal);
    return found === null ? false : this.#fail('unknown-command', 'unknown method');
  }

  #fail(code: ErrorCode, message: string): false {
    this.#refusal.clear();
    this.#refusal.error(code, message);
    return false;
  }
}
