import type { Counters } from '../../base/counters.ts';
import type { Health } from '../../base/health.ts';
import type { Clock, Logger } from '../../base/ports.ts';
import type { ReadView } from '../../base/view.ts';
import type { Args } from '../../command/args.ts';
import type { ClusterPort } from '../../command/cluster-port.ts';
import type { Command } from '../../command/command.ts';
import type { SnapshotsPort } from '../../command/control.ts';
import type { ReplySink } from '../../shard/shard-client.ts';
import type { Access } from '../access/access.ts';
import type { AccessOrigin } from '../access/origin.ts';
import type { SlowLog } from '../control/slow-log.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import type { TransactionRunner } from '../dispatch/transaction-queue.ts';
import type { Channels } from '../pubsub/channels.ts';
import type { TlsIdentity } from '../tls/tls-identity.ts';
import type { DashboardPort } from './dashboard-port.ts';
import type { ChangesPort } from './event-feed.ts';

/** What the HTTP front needs of the node it stands in front of. */
export interface HttpNode {
  readonly commands: CommandPort;
  /** Runs transactions. */
  readonly transactions: TransactionRunner;
  readonly changes: ChangesPort;
  readonly channels: Channels;
  readonly slowLog: SlowLog;
  readonly shardCount: number;
  /** The certificate that connections are shown; null: they are plain. */
  readonly tls: TlsIdentity | null;
  readonly access: Access;
  readonly origin: AccessOrigin;
  /** Whether probes and metrics ask for credentials like everything else. */
  readonly probesNeedCredentials: boolean;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  readonly metrics: MetricsPage;
  health(): Health;
  /** The document of `/nodes`. */
  nodes(): object;
  /** Null: there is none. */
  readonly dashboard: DashboardPort | null;
  /** The cluster this node is one of, or is by itself. */
  readonly cluster: ClusterPort;
  /** Null: nothing is kept on the disk. */
  readonly snapshots: SnapshotsPort | null;
}

/** Runs commands. */
export interface CommandPort {
  /**
   * Runs a command and calls the sink exactly once: before it returns (reads that need no shard), or in a later turn.
   * `args.bytes` belong to the caller again when this returns; the reply is valid during the call only.
   */
  execute(command: Command, args: Args, sink: ReplySink, session?: OrderedSession | null): void;
  /**
   * Opens the memory of the key's shard for reading; null when that is not possible now and the key must be asked for
   * by a command. Between this and `endRead`, which must follow in the same turn, the view may be used. What was read may
   * be told only if `endRead` answers true; else the key must be asked for by a command, too.
   */
  beginRead(bytes: Uint8Array, start: number, end: number): ReadView | null;
  endRead(): boolean;
}

/** The page of `/metrics`. */
export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
}
