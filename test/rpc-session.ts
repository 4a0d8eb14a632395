import { unpackMultiple } from 'msgpackr';
import { Counters, FrontEnd } from '../src/base/counters.ts';
import { type ErrorCode, errors } from '../src/base/errors.ts';
import type { Logger } from '../src/base/ports.ts';
import { commandTable } from '../src/command/table.ts';
import { Access } from '../src/server/access/access.ts';
import { ClientList } from '../src/server/clients/client-list.ts';
import { SlowLog } from '../src/server/control/slow-log.ts';
import { CommandCounts } from '../src/server/dispatch/command-counts.ts';
import { Channels } from '../src/server/pubsub/channels.ts';
import type { RpcNode } from '../src/server/rpc/rpc-node.ts';
import { openRpcSessions } from '../src/server/rpc/rpc-session.ts';
import type { Session, SessionConnection } from '../src/server/session/session.ts';
import { Tracker } from '../src/server/tracking/tracker.ts';
import { InThreadShards, plainNode } from './in-thread-shards.ts';

export const rpcTestLimits = {
  keyBytesMax: 1000,
  valueBytesMax: 20_000,
  messageBytesMax: 65_536,
  paramsMax: 10_000,
  pipelineMax: 64,
  batchMax: 100,
};

/** A connection without a socket: keeps what is written to it. */
export class MemoryConnection implements SessionConnection {
  readonly id = 1;
  readonly remoteAddress = '127.0.0.1';
  readonly address = '127.0.0.1:1';
  readonly localAddress = '127.0.0.1:2';
  readonly connectedAtMs = 0;
  readonly lastInputMs = 0;
  readonly receivedBytes = 0;
  readonly sentBytes = 0;
  readonly unsentBytes = 0;
  readonly isCongested = false;
  bytes: Uint8Array = new Uint8Array(64);
  length = 0;
  isPaused = false;
  isEnded = false;
  readonly destroyed: string[] = [];

  reserve(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(this.length * 2);
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
    }
    return at;
  }

  giveBack(count: number): void {
    this.length -= count;
  }

  pauseInput(): void {
    this.isPaused = true;
  }

  resumeInput(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(reason: string): void {
    this.destroyed.push(reason);
  }
}

/** A session of MessagePack-RPC with shards and stores of its own, all in this thread. */
export class InThreadRpc {
  readonly shards: InThreadShards;
  readonly connection = new MemoryConnection();
  readonly session: Session;
  readonly faults: string[] = [];
  readonly slowLog: SlowLog;
  readonly channels = new Channels({ subscriptionsMax: 100, subscriptionBytesMax: 100_000 });
  #input = Buffer.alloc(1024);

  constructor(shardCount = 2) {
    this.shards = new InThreadShards(shardCount);
    const errorCount = 1 + Math.max(...(Object.keys(errors) as ErrorCode[]).map((code) => errors[code].id));
    const counters = Counters.create({ commandCount: commandTable.commands.length, errorCount });
    const nothing = (): void => undefined;
    const log: Logger = {
      debug: nothing,
      info: nothing,
      warn: nothing,
      error: (fields, message) => void this.faults.push(`${message} ${'err' in fields ? fields.err : ''}`),
    };
    this.slowLog = new SlowLog(plainNode.clock, 10);
    const node: RpcNode = {
      table: commandTable,
      commands: this.shards.dispatcher,
      shardCount,
      access: new Access([], plainNode.clock),
      counters,
      counts: new CommandCounts(counters, FrontEnd.msgpack, commandTable.commands),
      clock: plainNode.clock,
      log,
      port: plainNode,
      clients: new ClientList(),
      slowLog: this.slowLog,
      channels: this.channels,
      tracker: new Tracker({ listen: () => nothing }, { keysMax: 100, bytesMax: 100_000 }),
      limits: rpcTestLimits,
      version: '0.0.0',
    };
    this.session = openRpcSessions(node)(this.connection);
  }

  /**
   * Hands bytes over as a socket does: in one Buffer that is used again after each call, so that whoever keeps a view of
   * it is found out, and none while the connection is paused or at its end.
   */
  async receive(bytes: Uint8Array): Promise<void> {
    if (this.connection.isPaused) await this.settle();
    if (this.connection.isEnded) return;
    if (this.#input.length < bytes.length) this.#input = Buffer.alloc(bytes.length * 2);
    this.#input.set(bytes);
    this.session.receive(this.#input.subarray(0, bytes.length));
    this.#input.fill(0x78);
  }

  /** Until everything taken is answered. */
  async settle(): Promise<void> {
    do await this.shards.settle();
    while (this.connection.isPaused && !this.connection.isEnded && this.session.inFlight > 0);
  }

  /** All that was written. */
  messages(): unknown[][] {
    const written = Buffer.from(this.connection.bytes.subarray(0, this.connection.length));
    return written.length === 0 ? [] : ((unpackMultiple(written) ?? []) as unknown[][]);
  }
}
