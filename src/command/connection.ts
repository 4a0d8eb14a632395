import type { Args } from './args.ts';
import type { NodePort } from './node-port.ts';
import type { ReplySink, ReplyWriter } from './reply.ts';

/**
 * The connection that a command came by, in the facets that commands look at and change. Kept by the front end that
 * holds the connection; used on its thread only.
 */
export interface ConnectionPort {
  readonly node: NodePort;
  /** What the node knows of this connection. */
  readonly client: ClientPort;
  /** All connections of the node. */
  readonly clients: ClientsPort;
  readonly subscriptions: SubscriptionsPort;
  readonly tracking: TrackingPort;
  readonly transaction: TransactionPort;
  /** Version of RESP that replies are written in, once HELLO chose it. */
  resp: 2 | 3;
  /** The user's name; null before one logged in where credentials are asked for. */
  readonly userName: string | null;
  /**
   * The client has shown that it knows of clusters: what another node serves may be answered by `moved`, naming that
   * node, where a client that has not is served through this one. Until RESET.
   */
  wantsRedirects: boolean;
  /** The command that runs was queued by MULTI: the rest of its transaction waits for it. */
  readonly isExecuting: boolean;
  /** READONLY: reads may be answered by a copy of this node that is a little behind. Until READWRITE or RESET. */
  readsReplicas: boolean;
  /**
   * Logs a user in by name and password. When they are not right the error is written to `reply` and the answer is
   * false. A promise only when a password has to be checked for the first time.
   */
  login(name: string, password: string, reply: ReplyWriter): boolean | Promise<boolean>;
  /** Brings the connection to the state it was accepted in, for RESET. */
  reset(): void;
  /** Closes the connection when the replies up to this command's are sent. */
  closeAfterReply(): void;
}

/** One connection, as CLIENT LIST shows it. */
export interface ClientPort {
  /** Counts up from 1 and is never used again. */
  readonly id: number;
  /** `host:port` of the other end and of this one. */
  readonly address: string;
  readonly localAddress: string;
  readonly protocol: 'resp' | 'msgpack';
  readonly connectedAtMs: number;
  readonly lastCommandAtMs: number;
  readonly lastCommand: string;
  readonly userName: string;
  readonly resp: 2 | 3;
  /** Channels and patterns it is subscribed to. */
  readonly channelCount: number;
  readonly patternCount: number;
  /** Commands queued by MULTI; -1 outside a transaction. */
  readonly queuedCount: number;
  readonly watchedCount: number;
  readonly isTracking: boolean;
  /** As `TrackingPort.redirectId`. */
  readonly redirectId: number;
  /** Bytes received and not yet run; bytes of replies not yet taken by the socket. */
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly totalReceivedBytes: number;
  readonly totalSentBytes: number;
  readonly commandCount: number;
  /** Set by CLIENT SETNAME, SETINFO, NO-EVICT, NO-TOUCH, REPLY; empty texts until then. */
  name: string;
  libraryName: string;
  libraryVersion: string;
  isNoEvict: boolean;
  isNoTouch: boolean;
  replyMode: 'on' | 'off' | 'skip';
}

export interface ClientsPort {
  all(): Iterable<ClientPort>;
  byId(id: number): ClientPort | undefined;
  /** Closes a connection at once. */
  kill(client: ClientPort): void;
  /** Holds back commands of all connections (only those that write when `writesOnly`) until the time, or `unpause`. */
  pause(untilMs: number, writesOnly: boolean): void;
  unpause(): void;
}

/** Pub/sub of one connection. Names are bytes of `args`. Each call writes one push a name to `reply`, as Redis does. */
export interface SubscriptionsPort {
  readonly channelCount: number;
  readonly patternCount: number;
  subscribe(args: Args, reply: ReplyWriter): void;
  psubscribe(args: Args, reply: ReplyWriter): void;
  /** To shard channels, which are names of their own. */
  ssubscribe(args: Args, reply: ReplyWriter): void;
  /** Without arguments: from all. */
  unsubscribe(args: Args, reply: ReplyWriter): void;
  punsubscribe(args: Args, reply: ReplyWriter): void;
  sunsubscribe(args: Args, reply: ReplyWriter): void;
}

/** CLIENT TRACKING of one connection. Each call writes its reply. */
export interface TrackingPort {
  readonly isOn: boolean;
  /** The connection that is told in place of this one; 0: this one itself; -1: tracking is off. */
  readonly redirectId: number;
  /** `CLIENT TRACKING …` and `CLIENT CACHING …`: argument 0 is the subcommand's name. */
  tracking(args: Args, reply: ReplyWriter): void;
  caching(args: Args, reply: ReplyWriter): void;
  /** CLIENT TRACKINGINFO and CLIENT GETREDIR. */
  info(reply: ReplyWriter): void;
  redirect(reply: ReplyWriter): void;
}

/** MULTI, EXEC, DISCARD, WATCH and UNWATCH of one connection. Each call writes its reply, or calls `sink` once. */
export interface TransactionPort {
  begin(reply: ReplyWriter): void;
  execute(sink: ReplySink): void;
  discard(reply: ReplyWriter): void;
  watchKeys(args: Args, sink: ReplySink): void;
  unwatch(reply: ReplyWriter): void;
}
