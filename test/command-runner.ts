import { errors } from '../src/base/errors.ts';
import type { WriteView } from '../src/base/view.ts';
import { ArgsBuffer } from '../src/command/args-buffer.ts';
import type { InfoSection, NodePort, Steps } from '../src/command/command.ts';
import { noControl } from '../src/command/control.ts';
import { noPublisher } from '../src/command/publisher.ts';
import { ReplyKind, ReplyReader, ReplyWriter } from '../src/command/reply.ts';
import { commandTable } from '../src/command/table.ts';

/** An error as a Redis client shows it: prefix and message. */
export class ErrorReply {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Value = null | boolean | number | bigint | string | ErrorReply | readonly Value[] | Map<Value, Value>;
export type Word = string | number | Uint8Array;

/** Runs commands on one store, as a node with a single shard does; bulks come back as latin1 text. */
export class CommandRunner {
  readonly reply = new ReplyWriter();
  readonly reader = new ReplyReader();
  readonly node: NodePort;
  keyBytesMax = 65_535;
  readonly #store: WriteView;
  readonly #args = new ArgsBuffer();
  #seed = 1;

  constructor(store: WriteView, infoSections: readonly InfoSection[] = []) {
    this.#store = store;
    this.node = {
      clock: store,
      random: { nextUint32: () => (this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0) },
      infoSections,
      control: { ...noControl, table: commandTable },
      publisher: noPublisher,
    };
  }

  run(name: Word, ...words: readonly Word[]): Value {
    this.execute(name, words);
    this.reader.openWritten(this.reply);
    const value = readValue(this.reader);
    if (!this.reader.done) throw new Error('the reply holds more than one value');
    return value;
  }

  /** Leaves the reply in `reply`. */
  execute(name: Word, words: readonly Word[]): void {
    const { reply } = this;
    reply.clear();
    const args = this.#args.begin();
    for (const word of words) args.bytes(toBytes(word));
    const nameBytes = toBytes(name);
    const command = commandTable.resolve(nameBytes, 0, nameBytes.length, args.args, this.keyBytesMax, reply);
    if (command === null) return;
    switch (command.kind) {
      case 'read':
      case 'write':
      case 'pair':
      case 'sweep':
        void command.run(this.#store, args.args, reply);
        break;
      case 'survey': {
        let resume = 0;
        do resume = command.run([this.#store], this.node, args.args, reply, resume);
        while (resume !== 0);
        break;
      }
      case 'steps':
        this.#runSteps(command.start(args.args), reply);
        break;
      case 'node':
        void command.run(this.node, args.args, reply);
        break;
      case 'connection':
        throw new Error('a connection command is run by a session');
      case 'container':
        throw new Error('a container is not run');
    }
  }

  #runSteps(steps: Steps, reply: ReplyWriter): void {
    const stepReply = new ReplyWriter();
    const reader = new ReplyReader();
    let previous: ReplyReader | null = null;
    for (let step = steps.next(null, reply); step !== null; step = steps.next(previous, reply)) {
      const row = commandTable.named(step.command);
      stepReply.clear();
      if (row.kind === 'survey') row.run([this.#store], this.node, step.args, stepReply, 0);
      else if (row.kind === 'read' || row.kind === 'write') row.run(this.#store, step.args, stepReply);
      else throw new Error(`${row.name} is no step`);
      reader.openWritten(stepReply);
      previous = reader;
    }
  }
}

export function toBytes(word: Word): Uint8Array {
  return typeof word === 'object' ? word : Buffer.from(String(word), 'utf8');
}

export function readValue(reader: ReplyReader): Value {
  switch (reader.kind) {
    case ReplyKind.null:
    case ReplyKind.nullArray:
      return null;
    case ReplyKind.false:
      return false;
    case ReplyKind.true:
      return true;
    case ReplyKind.integer:
    case ReplyKind.double:
      return reader.number;
    case ReplyKind.bigInteger:
      return reader.bigInteger;
    case ReplyKind.status:
    case ReplyKind.bulk:
    case ReplyKind.text:
    case ReplyKind.numbers:
      return Buffer.from(reader.view).toString('latin1');
    case ReplyKind.error:
      return new ErrorReply(`${errors[reader.errorCode].respPrefix} ${reader.text}`);
    case ReplyKind.array:
    case ReplyKind.set:
    case ReplyKind.push: {
      const values: Value[] = [];
      for (let left = reader.count; left > 0; left--) values.push(nextValue(reader));
      return values;
    }
    case ReplyKind.map: {
      const pairs = new Map<Value, Value>();
      for (let left = reader.count; left > 0; left--) pairs.set(nextValue(reader), nextValue(reader));
      return pairs;
    }
    case ReplyKind.enclosed:
      return nextValue(reader);
    case ReplyKind.attribute:
      throw new Error('an attribute is no value');
  }
}

function nextValue(reader: ReplyReader): Value {
  reader.next();
  return readValue(reader);
}
