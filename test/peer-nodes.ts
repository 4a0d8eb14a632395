/** Two ends of links between nodes, each with a TCP port as a node has it, and shards or a script in its place. */
import { createSecretKey } from 'node:crypto';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { Counters } from '../src/base/counters.ts';
import { errors } from '../src/base/errors.ts';
import { type Clock, type Logger, systemClock } from '../src/base/ports.ts';
import { RefusalLog } from '../src/cluster/bus/refusal-log.ts';
import { type ClusterState, emptyClusterState, type NodeEntry } from '../src/cluster/controller/cluster-state.ts';
import type { Args } from '../src/command/args.ts';
import { ArgsBuffer } from '../src/command/args-buffer.ts';
import type { Command } from '../src/command/command.ts';
import { noPublisher, type PublisherPort } from '../src/command/publisher.ts';
import { ReplyReader, ReplyWriter } from '../src/command/reply.ts';
import { commandTable } from '../src/command/table.ts';
import { type PeerLimits, peerLimits } from '../src/server/cluster/peer-limits.ts';
import type { PeerLink } from '../src/server/cluster/peer-link.ts';
import { PeerLinks } from '../src/server/cluster/peer-links.ts';
import { openPeerSessions } from '../src/server/cluster/peer-session.ts';
import type { ForwardedCommands, TargetSink } from '../src/server/cluster/target.ts';
import type { TcpFrontOptions } from '../src/server/tcp/options.ts';
import { TcpFront } from '../src/server/tcp/tcp-front.ts';
import type { RefusalReason } from '../src/shard/guarded-reply.ts';
import { Admission } from '../src/shard/shard-client.ts';
import { plainReply } from './in-thread-shards.ts';

const CLUSTER = 'c1'.repeat(20);

export type Logged = { readonly level: string; readonly message: string; readonly fields: Record<string, unknown> };

export function listLogger(list: Logged[]): Logger {
  const note =
    (level: string) =>
    (fields: object, message: string): void =>
      void list.push({ level, message, fields: { ...fields } });
  return { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
}

export interface PeerServerOptions {
  readonly commands: ForwardedCommands;
  readonly channels?: Pick<PublisherPort, 'publish' | 'publishToShard'>;
  readonly answer?: (question: Uint8Array) => Uint8Array | null;
  readonly node?: string;
  readonly clusterId?: string;
  readonly secret?: string;
  readonly limits?: Partial<PeerLimits>;
  readonly front?: Partial<TcpFrontOptions>;
  readonly tls?: TlsOptions;
  readonly partitionsOf?: (command: Command, args: Args) => readonly number[];
  readonly port?: number;
  /** What silence of connections is measured by. */
  readonly clock?: Clock;
}

/** The end that runs commands. */
export class PeerServer {
  readonly log: Logged[] = [];
  readonly front: TcpFront;

  private constructor(options: PeerServerOptions) {
    const log = listLogger(this.log);
    const errorCount = 1 + Math.max(...Object.values(errors).map(({ id }) => id));
    const never = (): never => {
      throw new Error('no client is expected here');
    };
    this.front = new TcpFront(
      {
        host: '127.0.0.1',
        port: options.port ?? 0,
        connectionsMax: 100,
        idleTimeoutMs: 0,
        requestTimeoutMs: 300,
        connectionOutputBytesMax: 64 << 20,
        pipelineMax: 1000,
        keyBytesMax: 1000,
        valueBytesMax: 1 << 20,
        commandBytesMax: 1 << 20,
        argumentsMax: 1000,
        drainTimeoutMs: 100,
        ...options.front,
      },
      {
        counters: Counters.create({ commandCount: commandTable.commands.length, errorCount }),
        clock: options.clock ?? systemClock,
        log,
        openResp: never,
        openRpc: never,
        openPeer: openPeerSessions({
          table: commandTable,
          commands: options.commands,
          partitionsOf: options.partitionsOf ?? (() => []),
          channels: options.channels ?? noPublisher,
          answer: options.answer ?? (() => null),
          self: options.node ?? 'server',
          clusterId: () => options.clusterId ?? CLUSTER,
          secret: createSecretKey(options.secret ?? 'secret', 'utf8'),
          limits: { ...peerLimits, ...options.limits },
          keyBytesMax: 1000,
          log,
          refusals: new RefusalLog(log),
        }),
        tls: options.tls ?? null,
      },
    );
  }

  static async start(options: PeerServerOptions): Promise<PeerServer> {
    const server = new PeerServer(options);
    await server.front.listen();
    return server;
  }

  get port(): number {
    return this.front.port;
  }

  warnings(): string[] {
    return this.log.filter(({ level }) => level !== 'debug').map(({ message }) => message);
  }

  close(): void {
    this.front.close();
  }
}

export interface PeerClientOptions {
  readonly nodes: Readonly<Record<string, number>>;
  readonly secret?: string;
  readonly clusterId?: string;
  readonly limits?: Partial<PeerLimits>;
  readonly tls?: ConnectionOptions;
}

/** The end that has commands run: the links of a node that has nothing else. */
export class PeerClient {
  readonly log: Logged[] = [];
  readonly links: PeerLinks;
  clusterId: string;
  state: ClusterState = emptyClusterState;
  readonly self = 'client';
  readonly #listeners = new Set<() => void>();
  readonly #buffer = new ArgsBuffer();

  constructor(options: PeerClientOptions) {
    this.clusterId = options.clusterId ?? CLUSTER;
    this.setNodes(options.nodes);
    const { tls } = options;
    this.links = new PeerLinks({
      view: this,
      table: commandTable,
      secret: options.secret ?? 'secret',
      limits: { ...peerLimits, redialMsFirst: 5, redialMsMax: 50, ...options.limits },
      log: listLogger(this.log),
      ...(tls === undefined ? {} : { tls: () => tls }),
    });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ports by name; what is not named has left. */
  setNodes(ports: Readonly<Record<string, number>>, more: Partial<NodeEntry> = {}): void {
    const nodes = Object.entries(ports).map(([id, port]): [string, NodeEntry] => [
      id,
      { ...entryOf(id, port), ...more },
    ]);
    this.state = { ...emptyClusterState, nodes: new Map(nodes) };
    for (const listener of this.#listeners) listener();
  }

  link(node = 'server'): PeerLink {
    const link = this.links.target(node);
    if (link === null) throw new Error(`no link to ${node}`);
    return link;
  }

  async up(node = 'server'): Promise<PeerLink> {
    await eventually(`a link to ${node}`, () => this.links.target(node)?.isUp ?? false);
    return this.link(node);
  }

  /** Sends a command; resolves with its reply as a plain value, or with what it was refused for. */
  call(name: string, ...texts: readonly string[]): Promise<unknown> {
    return this.callWith(0, name, ...texts);
  }

  callWith(flags: number, name: string, ...texts: readonly string[]): Promise<unknown> {
    this.#buffer.begin();
    for (const text of texts) this.#buffer.text(text);
    const link = this.link();
    const admission = link.prepare(commandTable.named(name).id, this.#buffer.args, flags);
    if (admission !== Admission.taken) return Promise.resolve({ admission });
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      const once = (value: unknown): void => {
        if (isAnswered) reject(new Error('I4: a command was answered twice'));
        isAnswered = true;
        resolve(value);
      };
      link.commit({
        onReply: (reply) => once(plainReply(reply)),
        onRefused: (reason, bytes, start, length) =>
          once({ reason, command: Buffer.from(bytes.subarray(start, start + length)).toString('latin1') }),
      });
    });
  }

  close(): void {
    this.links.stop();
  }
}

function entryOf(id: string, port: number): NodeEntry {
  return {
    id,
    address: '127.0.0.1:1',
    endpoints: { tcp: '', http: '', link: `127.0.0.1:${port}` },
    boot: 1,
    isFenced: false,
    isDraining: false,
    isLeaving: false,
    life: 'running',
    weight: 1,
    zone: null,
  };
}

/** Has commands answered when the test says so. */
export class ScriptedCommands implements ForwardedCommands {
  readonly asked: {
    readonly name: string;
    readonly texts: string[];
    readonly flags: number;
    readonly sink: TargetSink;
  }[] = [];

  runForwarded(command: Command, args: Args, flags: number, sink: TargetSink): void {
    const texts = Array.from({ length: args.count }, (_, index) => Buffer.from(args.view(index)).toString('latin1'));
    this.asked.push({ name: command.name, texts, flags, sink });
  }

  async until(count: number): Promise<void> {
    await eventually(`${count} commands at the other node`, () => this.asked.length >= count);
  }

  reply(index: number, write: (reply: ReplyWriter) => void): void {
    const writer = new ReplyWriter();
    write(writer);
    const reader = new ReplyReader();
    reader.openWritten(writer);
    this.#sink(index).onReply(reader);
  }

  refuse(index: number, reason: RefusalReason): void {
    this.#sink(index).onRefused(reason, new Uint8Array(0), 0, 0);
  }

  #sink(index: number): TargetSink {
    const asked = this.asked[index];
    if (asked === undefined) throw new Error(`there is no command ${index}`);
    return asked.sink;
  }
}

export async function eventually(what: string, isSo: () => boolean, limitMs = 10_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
