import { ArgsBuffer } from '../../../../src/command/args-buffer.ts';
import type { ConnectionPort } from '../../../../src/command/connection.ts';
import { type ControlPort, noControl } from '../../../../src/command/control.ts';
import { ReplyReader, ReplyWriter } from '../../../../src/command/reply.ts';
import { commandTable } from '../../../../src/command/table.ts';
import { CommandRunner, ErrorReply, readValue, type Value } from '../../../command-runner.ts';
import { ModelStore } from '../../../model-store.ts';

/** Runs commands of a node and of one connection to it, which has a port of its own to look at. */
export class ConnectionRunner {
  readonly connection: ConnectionPort;
  isThere = true;
  readonly #nodeCommands = new CommandRunner(new ModelStore());

  constructor(parts: Partial<ControlPort>, isExecuting = false) {
    const control = { ...noControl, table: commandTable, ...parts };
    Object.assign(this.#nodeCommands, { node: { ...this.#nodeCommands.node, control } });
    const client = { id: 1, localAddress: '127.0.0.1:2', name: '' };
    const facets: Partial<Record<keyof ConnectionPort, unknown>> = {
      node: this.#nodeCommands.node,
      client,
      clients: { byId: () => (this.isThere ? client : undefined) },
      userName: 'default',
      resp: 2,
      wantsRedirects: false,
      readsReplicas: false,
      isExecuting,
    };
    this.connection = facets as ConnectionPort;
  }

  /** A line's command, its words being separated by single spaces. */
  async run(line: string): Promise<Value> {
    const [name = '', ...words] = line.split(' ');
    const reply = new ReplyWriter();
    const args = new ArgsBuffer().begin();
    for (const word of words) args.bytes(Buffer.from(word));
    const nameBytes = Buffer.from(name);
    const command = commandTable.resolve(nameBytes, 0, nameBytes.length, args.args, 1000, reply);
    if (command !== null) {
      if (command.kind !== 'connection') return this.#nodeCommands.run(name, ...words);
      await command.run?.(this.connection, args.args, reply);
    }
    const reader = new ReplyReader();
    reader.openWritten(reply);
    return readValue(reader);
  }

  /** The words of the error; throws when there is none. */
  async fault(line: string): Promise<string> {
    const value = await this.run(line);
    if (value instanceof ErrorReply) return value.text;
    throw new Error(`${line} did not fail`);
  }
}
