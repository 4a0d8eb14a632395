import { copyOf } from '../../base/copy-bytes.ts';
import { errors } from '../../base/errors.ts';
import { ReplyKind, ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { RedisRequestReader } from '../../protocol/http/redis-request.ts';
import { type ResultEncoding, redisError, redisResult, redisStatus } from '../../protocol/http/redis-result.ts';
import { refuse } from '../../protocol/http/refusal.ts';
import { isPassing } from '../../protocol/http/status.ts';
import { TransactionQueue } from '../dispatch/transaction-queue.ts';
import type { Exchange } from './exchange.ts';
import { RedisCommands } from './redis-commands.ts';
import { RedisPipeline } from './redis-pipeline.ts';
import type { HttpShared } from './shared.ts';

const execCommand = commandTable.named('exec');

/** HTTP in Redis's shape: `POST /` takes one command, `/pipeline` and `/multi-exec` several. */
export class RedisEndpoints {
  readonly #shared: HttpShared;
  readonly #builder = new ArgsBuilder();
  readonly #requests: RedisRequestReader;
  readonly #resolver: RedisCommands;

  constructor(shared: HttpShared) {
    this.#shared = shared;
    this.#requests = new RedisRequestReader(shared.options);
    this.#resolver = new RedisCommands(shared.options.keyBytesMax);
  }

  one(exchange: Exchange): void {
    const parts = this.#requests.readOne(exchange.body, this.#builder);
    if ('code' in parts) {
      exchange.refuse(parts);
      return;
    }
    const encoding = encodingOf(exchange);
    const resolver = this.#resolver;
    const command = resolver.resolve(this.#builder.bytes, parts, exchange);
    if (command === null) {
      this.#answer(exchange, resolver.failure, encoding);
      return;
    }
    const beganMs = this.#shared.counts.begin(command);
    const onReply = (reply: ReplyReader): void => {
      this.#shared.count(command, beganMs, exchange.caller);
      exchange.guard(() => this.#answer(exchange, reply, encoding));
    };
    this.#shared.node.commands.execute(command, resolver.args, { onReply }, exchange.sessionOf(command));
  }

  /** `POST /pipeline`: the commands of the body in order, each with a result of its own. */
  pipeline(exchange: Exchange): void {
    const commands = this.#requests.readAll(exchange.body, this.#builder);
    if ('code' in commands) {
      exchange.refuse(commands);
      return;
    }
    // The builder is used again by the next request, while this one may wait between two commands.
    const bytes = copyOf(this.#builder.bytes, 0, this.#builder.length);
    new RedisPipeline(exchange, this.#resolver, bytes, commands, encodingOf(exchange)).run();
  }

  /** `POST /multi-exec`: the commands of the body as one transaction, of which all are run or none. */
  transaction(exchange: Exchange): void {
    const commands = this.#requests.readAll(exchange.body, this.#builder);
    if ('code' in commands) {
      exchange.refuse(commands);
      return;
    }
    const encoding = encodingOf(exchange);
    const resolver = this.#resolver;
    const queue = new TransactionQueue(this.#shared.node.transactions, null);
    const queued = new ReplyWriter();
    const reader = new ReplyReader();
    queue.begin(queued);
    for (const [index, parts] of commands.entries()) {
      const command = resolver.resolve(this.#builder.bytes, parts, exchange);
      queued.clear();
      if (command !== null) queue.queue(command, resolver.args, queued);
      const failure = command === null ? resolver.failure : reader;
      if (command !== null && reader.openWritten(queued) !== ReplyKind.error) continue;
      const cause = `${errors[failure.errorCode].respPrefix} ${failure.text}`;
      const detail = `Transaction discarded because of its command ${index}: ${cause}`;
      exchange.refuse(refuse('transaction-aborted', detail));
      return;
    }
    const beganMs = this.#shared.counts.begin(execCommand);
    const onReply = (reply: ReplyReader): void => {
      this.#shared.count(execCommand, beganMs, exchange.caller);
      exchange.guard(() => this.#answerAll(exchange, reply, encoding));
    };
    queue.execute({ onReply });
  }

  #answerAll(exchange: Exchange, reply: ReplyReader, encoding: ResultEncoding): void {
    if (reply.kind !== ReplyKind.array) {
      this.#answer(exchange, reply, encoding);
      return;
    }
    const results: string[] = [];
    for (let left = reply.count; left > 0; left--) {
      if (reply.next() === ReplyKind.error) this.#shared.countError(reply.errorCode);
      results.push(redisResult(reply, encoding));
    }
    exchange.answer(200, 'application/json', `[${results.join(',')}]`);
  }

  #answer(exchange: Exchange, reply: ReplyReader, encoding: ResultEncoding): void {
    if (reply.kind !== ReplyKind.error) {
      exchange.answer(200, 'application/json', redisResult(reply, encoding));
      return;
    }
    const code = reply.errorCode;
    this.#shared.countError(code);
    const headers = isPassing(code) ? ['Retry-After', '1'] : [];
    exchange.answer(redisStatus(code), 'application/json', redisError(code, reply.text), headers);
  }
}

/** Header by which clients ask for results in base64. */
export const encodingHeader = 'upstash-encoding';

function encodingOf(exchange: Exchange): ResultEncoding {
  return exchange.header(encodingHeader).toLowerCase() === 'base64' ? 'base64' : 'text';
}
