import type { ErrorCode } from '../../base/errors.ts';
import { countAt, headBytesOf, kindOf, skipValue, WireKind } from '../../base/msgpack-wire.ts';
import type { ValueWriter } from '../../base/msgpack-writer.ts';
import type { Command } from '../../command/command.ts';
import type { ReplyReader } from '../../command/reply.ts';
import { Outcome } from '../../protocol/msgpack-rpc/message-reader.ts';
import type { ResultForm } from '../../protocol/msgpack-rpc/response-encoder.ts';
import type { ReplySink } from '../../shard/shard-client.ts';
import type { RpcShared } from './rpc-shared.ts';

/** The session that a batch is part of. */
export interface BatchOwner {
  /** Runs the operation that the shared reader stands on, in `bytes`: `operation` is answered once. */
  runOperation(bytes: Uint8Array, operation: BatchOperation): void;
  /** Counts an operation that was run, and keeps it when it was slow. */
  count(command: Command, beganMs: number): void;
  onBatchDone(batch: BatchRun): void;
}

/** One operation of a batch on its way. */
export class BatchOperation implements ReplySink {
  command: Command | null = null;
  beganMs = Number.NaN;
  form: ResultForm = 0;
  readonly #batch: BatchRun;
  readonly #index: number;

  constructor(batch: BatchRun, index: number) {
    this.#batch = batch;
    this.#index = index;
  }

  onReply(reply: ReplyReader): void {
    this.#batch.settle(this.#index, this, reply);
  }

  refuse(code: ErrorCode, message: string): void {
    this.#batch.refuse(this.#index, code, message);
  }
}

/** The operations of one batch, begun in order, and their results, put in order. */
export class BatchRun {
  readonly id: number;
  /** As `UnorderedAnswers` counts it. */
  generation = 0;
  readonly #owner: BatchOwner;
  readonly #shared: RpcShared;
  readonly #count: number;
  readonly #bytes: Uint8Array;
  #at: number;
  #begun = 0;
  #done = 0;
  #resultBytes = 0;
  readonly #results: Uint8Array[] = [];

  /** `bytes` hold the operations and stay as they are until the batch is done. */
  constructor(owner: BatchOwner, shared: RpcShared, id: number, bytes: Uint8Array, start: number, count: number) {
    this.#owner = owner;
    this.#shared = shared;
    this.id = id;
    this.#bytes = bytes;
    this.#at = start;
    this.#count = count;
  }

  /** Whether every operation was begun. */
  get isBegun(): boolean {
    return this.#begun === this.#count;
  }

  /** Begins the next operation. */
  step(): void {
    const index = this.#begun++;
    const bytes = this.#bytes;
    const at = this.#at;
    this.#at = skipValue(bytes, at);
    const operation = new BatchOperation(this, index);
    const { reader } = this.#shared;
    if (reader.readOperation(bytes, at) !== Outcome.message) {
      operation.refuse(reader.refusal.code, reader.refusal.message);
      return;
    }
    this.#owner.runOperation(bytes, operation);
  }

  settle(index: number, { command, beganMs, form }: BatchOperation, reply: ReplyReader): void {
    const { node, encoder } = this.#shared;
    if (command !== null) this.#owner.count(command, beganMs);
    this.#keep(index, encoder.pair(reply, form, node.clock.nowMs()));
  }

  refuse(index: number, code: ErrorCode, message: string): void {
    this.#keep(index, this.#shared.encoder.errorPair(code, message));
  }

  /** The array of the results, once `onBatchDone` was called. */
  writeTo(writer: ValueWriter): void {
    writer.array(this.#count);
    for (const result of this.#results) writer.append(result, 0, result.length);
  }

  #keep(index: number, result: Uint8Array): void {
    const { messageBytesMax } = this.#shared.node.limits;
    let kept = result;
    if (this.#resultBytes + result.length > messageBytesMax) {
      kept = this.#shared.encoder.errorPair('request-too-large', 'the results of the batch are over the limit');
    }
    this.#resultBytes += kept.length;
    this.#results[index] = kept;
    this.#done++;
    if (this.#done === this.#count) this.#owner.onBatchDone(this);
  }
}

/** Whether the params of a batch are operations; each `[method, params]`. */
export function areOperations(bytes: Uint8Array, start: number, count: number): boolean {
  let at = start;
  for (let index = 0; index < count; index++) {
    if (kindOf(bytes[at] as number) !== WireKind.array || countAt(bytes, at) !== 2) return false;
    const method = at + headBytesOf(bytes[at] as number);
    if (kindOf(bytes[method] as number) !== WireKind.str) return false;
    if (kindOf(bytes[skipValue(bytes, method)] as number) !== WireKind.array) return false;
    at = skipValue(bytes, at);
  }
  return true;
}
