import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import type { CommandParts } from '../../protocol/http/redis-request.ts';
import { type ResultEncoding, redisError, redisResult } from '../../protocol/http/redis-result.ts';
import { OrderedSession } from '../dispatch/ordered-session.ts';
import type { Exchange } from './exchange.ts';
import type { RedisCommands } from './redis-commands.ts';
import type { HttpShared } from './shared.ts';

/** Commands of one request, run in order as those of one connection are, and their results. Not a transaction. */
export class RedisPipeline {
  readonly #shared: HttpShared;
  readonly #exchange: Exchange;
  readonly #resolver: RedisCommands;
  readonly #bytes: Uint8Array;
  readonly #commands: readonly CommandParts[];
  readonly #encoding: ResultEncoding;
  readonly #session: OrderedSession;
  readonly #results: string[];
  #next = 0;
  /** One more than the results that are missing, until the last command was handed over. */
  #missing: number;
  #units = 0;

  constructor(
    exchange: Exchange,
    resolver: RedisCommands,
    bytes: Uint8Array,
    commands: readonly CommandParts[],
    encoding: ResultEncoding,
  ) {
    this.#shared = exchange.shared;
    this.#exchange = exchange;
    this.#resolver = resolver;
    this.#bytes = bytes;
    this.#commands = commands;
    this.#encoding = encoding;
    this.#session = new OrderedSession(exchange.shared.node.shardCount);
    exchange.watch(this.#session);
    this.#session.onReady = () => exchange.guard(() => this.run());
    this.#results = new Array<string>(commands.length).fill('');
    this.#missing = commands.length + 1;
  }

  /** Hands over commands until all are, or one is met that those behind it must wait for. */
  run(): void {
    while (this.#next < this.#commands.length) {
      // A client that has gone gets no further command run.
      if (this.#session.blocked || !this.#exchange.isOpen) return;
      this.#begin(this.#next++);
    }
    if (this.#next++ === this.#commands.length) this.#countDown();
  }

  #begin(index: number): void {
    const resolver = this.#resolver;
    const command = resolver.resolve(this.#bytes, this.#commands[index] as CommandParts, this.#exchange);
    if (command === null) {
      this.#add(index, resolver.failure);
      return;
    }
    const beganMs = this.#shared.counts.begin(command);
    const onReply = (reply: ReplyReader): void => {
      this.#shared.count(command, beganMs, this.#exchange.caller);
      this.#exchange.guard(() => this.#add(index, reply));
    };
    this.#shared.node.commands.execute(command, resolver.args, { onReply }, this.#session);
  }

  #add(index: number, reply: ReplyReader): void {
    if (reply.kind === ReplyKind.error) this.#shared.countError(reply.errorCode);
    const { bodyBytesMax } = this.#shared.options;
    const room = bodyBytesMax - this.#units;
    // Bytes become no fewer units of text, so what is too much is not even made.
    let result =
      reply.kind === ReplyKind.bulk && reply.end - reply.start > room ? '' : redisResult(reply, this.#encoding);
    if (result === '' || result.length > room) {
      this.#shared.countError('request-too-large');
      result = redisError(
        'request-too-large',
        `the results have more than ${bodyBytesMax} bytes; ask for less at once`,
      );
    }
    this.#units += result.length;
    this.#results[index] = result;
    this.#countDown();
  }

  #countDown(): void {
    if (--this.#missing > 0) return;
    this.#exchange.answer(200, 'application/json', `[${this.#results.join(',')}]`);
  }
}
