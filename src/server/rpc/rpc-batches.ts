import { ValueWriter } from '../../base/msgpack-writer.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { ReplySink } from '../../command/reply.ts';
import type { RpcRefusal } from '../../protocol/msgpack-rpc/refusal.ts';
import { type BatchOperation, type BatchOwner, BatchRun } from './batch-run.ts';
import type { RpcConnection } from './rpc-connection.ts';
import type { RpcShared } from './rpc-shared.ts';

/** What the batches of a session need of it. */
export interface BatchPort {
  denialOf(command: Command, args: Args): RpcRefusal | null;
  execute(command: Command, args: Args, sink: ReplySink): void;
  /** Answers a batch. */
  onBatch(id: number, results: ValueWriter): void;
  /** A batch was answered: the session may be able to go on. */
  afterBatch(): void;
  onDefect(error: unknown): void;
}

/** The batches of one session: one whose operations are being begun, and those that wait for results. */
export class RpcBatches implements BatchOwner {
  /** Batches taken and not answered. */
  unanswered = 0;
  readonly #shared: RpcShared;
  readonly #state: RpcConnection;
  readonly #port: BatchPort;
  #beginning: BatchRun | null = null;

  constructor(shared: RpcShared, state: RpcConnection, port: BatchPort) {
    this.#shared = shared;
    this.#state = state;
    this.#port = port;
  }

  /** Not all operations of the batch that was taken last are begun: nothing behind it may be. */
  get isBeginning(): boolean {
    return this.#beginning !== null;
  }

  /** `bytes` hold `count` operations and stay as they are. */
  begin(id: number, bytes: Uint8Array, count: number): void {
    this.unanswered++;
    const batch = new BatchRun(this, this.#shared, id, bytes, 0, count);
    batch.generation = this.#state.tookOne();
    if (count === 0) this.onBatchDone(batch);
    else this.#beginning = batch;
  }

  /** Begins the next operation. */
  step(): void {
    const batch = this.#beginning;
    if (batch === null) return;
    batch.step();
    if (batch.isBegun) this.#beginning = null;
  }

  runOperation(bytes: Uint8Array, operation: BatchOperation): void {
    const { request, refusal } = this.#shared;
    if (!request.prepare(bytes, false)) {
      operation.onReply(this.#shared.opened(refusal));
      return;
    }
    const { command, args } = request;
    if (request.own !== null || command.kind === 'connection' || this.#state.transaction.isOpen) {
      operation.refuse('bad-request', 'not possible in a batch');
      return;
    }
    const denial = this.#port.denialOf(command, args);
    if (denial !== null) {
      operation.refuse(denial.code, denial.message);
      return;
    }
    operation.command = command;
    operation.form = request.form;
    operation.beganMs = this.#shared.node.counts.begin(command);
    this.#port.execute(command, args, operation);
  }

  count(command: Command, beganMs: number): void {
    this.#state.count(command, beganMs, null);
  }

  onBatchDone(batch: BatchRun): void {
    try {
      this.unanswered--;
      const results = new ValueWriter();
      batch.writeTo(results);
      this.#port.onBatch(batch.id, results);
      this.#state.answeredOne(batch.generation);
      this.#port.afterBatch();
    } catch (error) {
      this.#port.onDefect(error);
    }
  }
}
