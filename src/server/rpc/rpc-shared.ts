import { Args } from '../../command/args.ts';
import { ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { MessageReader } from '../../protocol/msgpack-rpc/message-reader.ts';
import { ResponseEncoder } from '../../protocol/msgpack-rpc/response-encoder.ts';
import { ownMethods } from './method.ts';
import type { RpcNode } from './rpc-node.ts';
import { RpcRequest } from './rpc-request.ts';

/**
 * What the connections of one front use in turns: records that are refilled for every message, and hold nothing from one
 * to the next.
 */
export class RpcShared {
  readonly node: RpcNode;
  readonly reader = new MessageReader();
  /** Of messages whose params are arguments as they stand. */
  readonly args = new Args();
  /** What is answered without being run. */
  readonly refusal = new ReplyWriter();
  readonly request: RpcRequest;
  readonly encoder = new ResponseEncoder();
  /** Names of all methods, for `hello`. */
  readonly methods: readonly string[];
  readonly #opener = new ReplyReader();

  constructor(node: RpcNode) {
    this.node = node;
    this.request = new RpcRequest(node, this.reader, this.args, this.refusal);
    const rows = node.table.commands.filter(({ group, kind }) => group !== 'internal' && kind !== 'container');
    const names = rows.map(({ name }) => name.replace('|', ' '));
    this.methods = [...new Set([...names, ...ownMethods])].sort();
  }

  /** A cursor on what `writer` holds; good until the next call. */
  opened(writer: ReplyWriter): ReplyReader {
    this.#opener.openWritten(writer);
    return this.#opener;
  }
}
