import type { Counters } from '../../base/counters.ts';
import type { Clock, Logger } from '../../base/ports.ts';
import type { ReadView } from '../../base/view.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { NodePort } from '../../command/node-port.ts';
import type { CommandTable } from '../../command/table.ts';
import type { ReplySink } from '../../shard/shard-client.ts';
import type { Access } from '../access/access.ts';
import type { ClientList } from '../clients/client-list.ts';
import type { SlowLog } from '../control/slow-log.ts';
import type { CommandCounts } from '../dispatch/command-counts.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import type { TransactionRunner } from '../dispatch/transaction-queue.ts';
import type { Channels } from '../pubsub/channels.ts';
import type { Tracker } from '../tracking/tracker.ts';

/** What the sessions of either protocol need of the node they are on. */
export interface SessionNode {
  readonly table: CommandTable;
  readonly commands: SessionCommands;
  readonly shardCount: number;
  readonly access: Access;
  readonly counters: Counters;
  /** Of the protocol's commands. */
  readonly counts: CommandCounts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly port: NodePort;
  readonly clients: ClientList;
  readonly slowLog: SlowLog;
  readonly channels: Channels;
  readonly tracker: Tracker;
}

/** Runs commands: see `Dispatcher`. */
export interface SessionCommands extends TransactionRunner {
  execute(command: Command, args: Args, sink: ReplySink, session: OrderedSession | null): void;
  beginRead(bytes: Uint8Array, start: number, end: number, session: OrderedSession | null): ReadView | null;
  /** False: what was read may not be told, and the command is to be executed instead. */
  endRead(): boolean;
  holdReads(): void;
  releaseReads(): void;
}
