import { copyOf } from '../../base/copy-bytes.ts';
import type { Command } from '../../command/command.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { BodyFields, deleteFields, Field, incrFields, setFields } from '../../protocol/http/body-fields.ts';
import { JsonScanner } from '../../protocol/http/json-scanner.ts';
import { problemOf } from '../../protocol/http/problem.ts';
import { quoted, type Refusal, refuse } from '../../protocol/http/refusal.ts';
import { ValueDocument } from '../../protocol/http/value-document.ts';
import { OrderedSession } from '../dispatch/ordered-session.ts';
import { entryCommand, entryOf } from './entry.ts';
import type { Exchange } from './exchange.ts';
import { appendIncrement, numberOf } from './increment.ts';
import { conditionUnmet, emptyBody, missing, noSuchKey } from './refusals.ts';
import { appendSetArgs } from './set-endpoint.ts';
import type { HttpShared } from './shared.ts';

const setCommand = commandTable.named('set');
const deleteCommand = commandTable.named('del');

/** Fields of each operation, beside `op`; `key` is among all of them, and must be given. */
const operationFields: Readonly<Record<string, number>> = {
  get: Field.key,
  set: setFields,
  delete: deleteFields,
  incr: Field.key | incrFields,
};
const operationNames = Object.keys(operationFields).join(', ');
const allFields = Field.op | setFields | incrFields;

/** One operation, ready to be run: a command and where its arguments are. */
interface Operation {
  readonly command: Command;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** `POST /v1/batch`: operations in order, each with a result of its own. All are read before the first is run. */
export class BatchEndpoint {
  readonly #shared: HttpShared;
  readonly #builder = new ArgsBuilder();
  readonly #scanner: JsonScanner;
  readonly #fields: BodyFields;

  constructor(shared: HttpShared) {
    this.#shared = shared;
    this.#scanner = new JsonScanner(shared.options.jsonDepthMax);
    this.#fields = new BodyFields(shared.options);
  }

  run(exchange: Exchange): void {
    const { body } = exchange;
    if (body.length === 0) {
      exchange.refuse(emptyBody);
      return;
    }
    this.#scanner.open(body, 0, body.length);
    this.#builder.clear(body.length);
    const operations = this.#operations();
    if (!Array.isArray(operations)) {
      exchange.refuse(operations);
      return;
    }
    this.#execute(exchange, operations);
  }

  /** Reads `{"operations":[…]}`. */
  #operations(): Operation[] | Refusal {
    const scanner = this.#scanner;
    const fail = (wanted: string): Refusal => {
      scanner.unexpected(wanted);
      return scanner.refusal as Refusal;
    };
    if (scanner.peek() !== 0x7b) return refuse('bad-request', 'The body must be a JSON object.');
    scanner.at++;
    if (scanner.peek() === 0x7d) return missing('operations');
    if (scanner.peek() !== 0x22) return fail('a name in double quotes');
    const start = this.#builder.length;
    if (!scanner.string(this.#builder)) return scanner.refusal as Refusal;
    const name = Buffer.from(this.#builder.bytes.subarray(start, this.#builder.length)).toString('utf8');
    this.#builder.length = start;
    if (name !== 'operations') {
      return refuse('bad-request', `There is no field ${quoted(name)} here.`, name.slice(0, 64), 'operations');
    }
    if (scanner.peek() !== 0x3a) return fail("':'");
    scanner.at++;
    if (scanner.peek() !== 0x5b) return refuse('bad-request', 'The field "operations" must be an array.', 'operations');
    scanner.at++;
    const operations: Operation[] = [];
    while (scanner.peek() !== 0x5d || operations.length > 0) {
      const operation = this.#operation(operations.length);
      if ('code' in operation) return operation;
      operations.push(operation);
      if (scanner.peek() === 0x5d) break;
      if (scanner.peek() !== 0x2c) return fail("',' or ']'");
      scanner.at++;
    }
    scanner.at++;
    if (scanner.peek() !== 0x7d) return fail("'}'");
    scanner.at++;
    return scanner.peek() < 0 ? operations : fail('the end of the body');
  }

  #operation(index: number): Operation | Refusal {
    const { batchOperationsMax } = this.#shared.options;
    if (index >= batchOperationsMax) {
      const allowed = `up to ${batchOperationsMax}`;
      return refuse(
        'request-too-large',
        `There are more than ${batchOperationsMax} operations.`,
        'operations',
        allowed,
      );
    }
    const fields = this.#fields;
    const builder = this.#builder;
    const at = (refusal: Refusal): Refusal => ({ ...refusal, detail: `Operation ${index}: ${refusal.detail}` });
    if (!fields.read(this.#scanner, builder, allFields)) return at(fields.refusal as Refusal);
    if ((fields.seen & Field.op) === 0) return at(missing('op'));
    const allowed = operationFields[fields.op];
    if (!Object.hasOwn(operationFields, fields.op) || allowed === undefined) {
      return at(refuse('bad-request', `There is no operation ${quoted(fields.op)}.`, 'op', operationNames));
    }
    if ((fields.seen & ~allowed & ~Field.op) !== 0) {
      return at(refuse('bad-request', `The operation ${quoted(fields.op)} was given a field it does not have.`, 'op'));
    }
    if ((fields.seen & Field.key) === 0) return at(missing('key'));
    if (fields.op === 'set' && (fields.seen & Field.value) === 0) return at(missing('value'));
    return this.#ready();
  }

  /** Copies where the arguments are: the next operation is read into the same records. */
  #ready(): Operation {
    const fields = this.#fields;
    const builder = this.#builder;
    const { args } = builder;
    args.clear(builder.bytes);
    let command: Command = entryCommand;
    if (fields.op === 'set') {
      command = setCommand;
      appendSetArgs(builder, fields);
    } else {
      args.push(fields.keyStart, fields.keyEnd);
      if (fields.op === 'delete') command = deleteCommand;
      else if (fields.op === 'incr') command = appendIncrement(builder, fields);
    }
    const starts: number[] = [];
    const ends: number[] = [];
    for (let at = 0; at < args.count; at++) {
      starts.push(args.start(at));
      ends.push(args.end(at));
    }
    return { command, starts, ends };
  }

  #execute(exchange: Exchange, operations: readonly Operation[]): void {
    const results = new BatchResults(this.#shared, operations.length, (body) => {
      exchange.answer(200, 'application/json', body);
    });
    const { args, bytes } = this.#builder;
    const { commands, shardCount } = this.#shared.node;
    // Operations are of one client: a read that follows a write must not overtake it.
    const session = new OrderedSession(shardCount);
    for (const [index, { command, starts, ends }] of operations.entries()) {
      args.clear(bytes);
      for (let at = 0; at < starts.length; at++) args.push(starts[at] as number, ends[at] as number);
      const denial = exchange.user.denialOf(command, args);
      if (denial !== null) {
        results.refuse(index, refuse(denial.code, denial.message));
        continue;
      }
      const beganMs = this.#shared.counts.begin(command);
      const key = command === entryCommand ? copyOf(bytes, starts[0], ends[0]) : null;
      const onReply = (reply: ReplyReader): void => {
        this.#shared.count(command, beganMs, exchange.caller);
        exchange.guard(() => results.add(index, command, reply, key));
      };
      commands.execute(command, args, { onReply }, session);
    }
    results.allAsked();
  }
}

/** Results of one batch, put together in the order of its operations when the last has come. */
class BatchResults {
  readonly #shared: HttpShared;
  readonly #results: string[];
  readonly #onComplete: (body: string) => void;
  /** One more than the results that are missing, until all operations have been asked for. */
  #missing: number;
  #units = 0;
  readonly #document = new ValueDocument();

  constructor(shared: HttpShared, count: number, onComplete: (body: string) => void) {
    this.#shared = shared;
    this.#results = new Array<string>(count).fill('');
    this.#missing = count + 1;
    this.#onComplete = onComplete;
  }

  add(index: number, command: Command, reply: ReplyReader, key: Uint8Array | null): void {
    if (reply.kind === ReplyKind.error) {
      this.refuse(index, refuse(reply.errorCode, reply.text));
      return;
    }
    if (key !== null) {
      this.#addEntry(index, reply, key);
      return;
    }
    switch (command) {
      case setCommand:
        if (reply.kind !== ReplyKind.null) {
          this.#done(index, `{"status":200,"version":${reply.version}}`);
          return;
        }
        this.refuse(index, conditionUnmet);
        return;
      case deleteCommand:
        this.#done(index, `{"status":200,"deleted":${reply.number > 0}}`);
        return;
      default:
        this.#done(index, `{"status":200,"value":${numberOf(reply)},"version":${reply.version}}`);
        return;
    }
  }

  refuse(index: number, refusal: Refusal): void {
    this.#shared.countError(refusal.code);
    this.#done(index, problemOf(refusal));
  }

  allAsked(): void {
    this.#countDown();
  }

  #addEntry(index: number, reply: ReplyReader, key: Uint8Array): void {
    const entry = entryOf(reply);
    if (entry === null) {
      this.refuse(index, noSuchKey);
      return;
    }
    const document = this.#document;
    document.begin(0);
    document.key(key, 0, key.length);
    document.value(entry.type, entry.value, 0, entry.value.length);
    document.finish(entry.version, entry.expiresAtMs, this.#shared.node.clock);
    const { bodyBytesMax } = this.#shared.options;
    if (this.#units + document.length > bodyBytesMax) {
      const detail = `The results have more than ${bodyBytesMax} bytes; ask for fewer keys at once.`;
      this.refuse(index, refuse('request-too-large', detail));
      return;
    }
    const text = Buffer.from(document.view).toString('utf8');
    this.#done(index, `{"status":200,${text.slice(1)}`);
  }

  #done(index: number, result: string): void {
    this.#units += result.length;
    this.#results[index] = result;
    this.#countDown();
  }

  #countDown(): void {
    if (--this.#missing === 0) this.#onComplete(`{"results":[${this.#results.join(',')}]}`);
  }
}
