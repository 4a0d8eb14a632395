import type { Socket } from 'node:net';
import { assert } from '../../base/assert.ts';
import { FluxError } from '../../base/errors.ts';
import { monotonicMs } from '../../base/monotonic.ts';
import { DecodeError } from '../../base/msgpack-reader.ts';
import type { NodeId } from '../identity.ts';
import { type Bus, BusChannel, type BusHello, type BusHost, type BusLink } from './bus.ts';
import { formatHostPort, type HostPort, parseSeed, type Seed } from './bus-address.ts';
import {
  BusConnection,
  type ConnectionHost,
  type ConnectionSettings,
  type Ending,
  plainHost,
} from './bus-connection.ts';
import type { BusOptions, BusTls } from './bus-options.ts';
import { BusSockets } from './bus-sockets.ts';
import { Dialer, type DialOutcome } from './dialer.ts';
import type { HandshakeHost } from './handshake.ts';
import { decodeIntroduction, encodeIntroduction, type Introduction, RefusalCode } from './handshake-codec.ts';
import { Peer } from './peer.ts';
import { RefusalLog } from './refusal-log.ts';
import { type NameService, systemNames } from './seed-resolver.ts';
import { nameOf, SeedSearch } from './seed-search.ts';
import { SeenHosts } from './seen-hosts.ts';
import { type Role, secretKeyOf } from './session-keys.ts';

/** The bus's own: what an end says of itself, once that is something else than at the beginning. */
const INTRODUCTION_CHANNEL = 255;

/** A bus over TCP. */
export class SocketBus implements Bus {
  readonly connected: ReadonlyMap<NodeId, BusHello>;
  readonly #connected = new Map<NodeId, BusHello>();
  readonly #options: BusOptions;
  readonly #host: BusHost;
  readonly #sockets: BusSockets;
  readonly #settings: ConnectionSettings;
  readonly #refusals: RefusalLog;
  readonly #dialer: Dialer;
  readonly #seeds: SeedSearch;
  readonly #seen = new SeenHosts();
  readonly #peers = new Map<NodeId, Peer>();
  #wanted: ReadonlySet<NodeId> = new Set();
  /** All that are open. */
  readonly #open = new Set<BusConnection>();
  /** Accepted and not open yet, the oldest first. */
  readonly #waiting = new Set<BusConnection>();
  /** Nonces of connections that are dialled and not open yet. */
  readonly #nonces = new Map<BusConnection, Uint8Array>();
  /** What was said of this node on a connection that is not open yet. */
  readonly #said = new Map<BusConnection, BusHello>();
  /** Those that are dialled, with whom to tell when they end. */
  readonly #dialled = new Map<BusConnection, { done(outcome: DialOutcome): void; opened(): void }>();
  #timer: NodeJS.Timeout | null = null;
  #checkedMs = 0;
  #isClosed = false;

  /** Seeds are of the form the option `seeds` has. */
  constructor(options: BusOptions, host: BusHost, names: NameService = systemNames) {
    const { limits, defaultPort, random, messageBytesMax } = options;
    this.connected = this.#connected;
    this.#options = options;
    this.#host = host;
    this.#settings = { secret: secretKeyOf(options.secret), limits, messageBytesMax };
    this.#refusals = new RefusalLog(options.log);
    this.#sockets = new BusSockets(options.tls, limits, {
      accepted: (socket) => this.#accept(socket),
      failed: (address, reason) => this.#refused('acceptor', plainHost(address), reason),
    });
    const dialling = {
      dial: (to: HostPort, done: (outcome: DialOutcome) => void, opened?: () => void) => this.#dial(to, done, opened),
      isDialled: (node: NodeId) => this.#isDialled(node),
      isConnected: () => this.#connected.size > 0,
      unresolved: (seed: Seed, error: unknown) => this.#unresolved(seed, error),
    };
    this.#dialer = new Dialer(dialling, limits, defaultPort, random);
    const seeds = options.seeds.map((text) => {
      const seed = parseSeed(text, defaultPort);
      if (seed === null) throw new FluxError('invalid-argument', `Not an address of a seed: ${text}.`);
      return seed;
    });
    this.#seeds = new SeedSearch(seeds, dialling, limits, names, random);
  }

  async start(): Promise<number> {
    const { host, port, limits } = this.#options;
    const actualPort = await this.#sockets.listen(host, port);
    this.#checkedMs = monotonicMs();
    this.#timer = setInterval(() => this.#check(), limits.quietMs / 2);
    this.#seeds.hurry();
    return actualPort;
  }

  /** The certificate to show from now on; connections that are there go on. */
  setTls(tls: BusTls): void {
    this.#sockets.setTls(tls);
  }

  setPeers(peers: ReadonlyMap<NodeId, string>): void {
    const others = new Map(peers);
    others.delete(this.#host.hello().node);
    this.#wanted = new Set(others.keys());
    for (const [node, address] of others) this.#peer(node).address = address;
    for (const peer of this.#peers.values()) {
      if (others.has(peer.node)) continue;
      peer.address = '';
      this.#forgetUnused(peer);
    }
    this.#dialer.setPeers(others);
  }

  links(): BusLink[] {
    return [...this.#peers.values()].map((peer) => peer.link());
  }

  /** Seeds that were not reached when they were tried last, by name or address, and why. */
  get seedTroubles(): ReadonlyMap<string, string> {
    return this.#seeds.troubles;
  }

  get seenHost(): string {
    return this.#seen.best;
  }

  announce(): void {
    const hello = this.#host.hello();
    for (const connection of [...this.#open]) {
      const { introduction } = connection;
      if (introduction !== null && isOtherCluster(hello, introduction.hello)) {
        connection.close('is of another cluster');
      } else {
        connection.send(INTRODUCTION_CHANNEL, encodeIntroduction({ hello, seen: connection.remoteHost }));
        connection.flush();
      }
    }
  }

  send(to: NodeId, channel: BusChannel, bytes: Uint8Array): boolean {
    assert(bytes.length <= this.#options.messageBytesMax, 'a message is no longer than the bus was told');
    const peer = this.#peers.get(to);
    if (peer === undefined) return false;
    if (peer.connection?.send(channel, bytes) === true) {
      peer.sentMessages += 1;
      return true;
    }
    peer.droppedMessages += 1;
    return false;
  }

  flush(): void {
    for (const connection of this.#open) connection.flush();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#dialer.close();
    this.#seeds.close();
    for (const connection of [...this.#open]) connection.close('is left');
    for (const connection of [...this.#waiting, ...this.#nonces.keys()]) connection.end('is left');
    await this.#sockets.close();
  }

  #accept(socket: Socket): void {
    const [oldest] = this.#waiting;
    if (oldest !== undefined && this.#waiting.size >= this.#options.limits.handshakesMax) {
      oldest.refuse('is one of too many that do not say who they are');
    }
    const connection = new BusConnection('acceptor', socket, this.#events, this.#settings);
    this.#waiting.add(connection);
    connection.start();
  }

  #dial(to: HostPort, done: (outcome: DialOutcome) => void, opened: () => void = () => {}): void {
    const connected = (socket: Socket): void => {
      const connection = new BusConnection('dialer', socket, this.#events, this.#settings);
      this.#nonces.set(connection, connection.nonce);
      this.#dialled.set(connection, { done, opened });
      connection.start();
    };
    const failed = (reason: string): void => {
      const address = formatHostPort(to);
      if (!this.#isClosed) {
        this.#refusals.warn(`to ${address}`, monotonicMs(), { address, reason }, 'a node of the bus is not reached');
      }
      done({ node: null, livedMs: 0, isRefusal: false, isSelf: false, reason });
    };
    this.#sockets.dial(to, connected, failed);
  }

  readonly #events: ConnectionHost = {
    party: (connection) => this.#party(connection),
    opened: (connection) => this.#opened(connection),
    received: (connection, channel, bytes) => this.#received(connection, channel, bytes),
    batchEnded: () => {
      if (!this.#isClosed) this.#host.batchEnded();
    },
    ended: (connection, ending) => this.#ended(connection, ending),
  };

  #party(connection: BusConnection): HandshakeHost {
    return {
      introduce: () => {
        const hello = this.#host.hello();
        this.#said.set(connection, hello);
        return { hello, seen: connection.remoteHost };
      },
      isOwnNonce: (nonce) => [...this.#nonces.values()].some((own) => Buffer.compare(own, nonce) === 0),
      objection: ({ hello }) => this.#objection(connection, hello),
    };
  }

  #objection(connection: BusConnection, hello: BusHello): RefusalCode | null {
    const own = this.#host.hello();
    if (hello.node === own.node) return RefusalCode.name;
    if (isOtherCluster(own, hello)) return RefusalCode.cluster;
    const peer = this.#peers.get(hello.node);
    if (peer === undefined || peer.hello === null) return null;
    if (hello.boot < peer.hello.boot) return RefusalCode.stale;
    const isDouble = connection.role === 'dialer' && peer.dialled !== null && hello.boot === peer.hello.boot;
    return isDouble ? RefusalCode.double : null;
  }

  #opened(connection: BusConnection): void {
    this.#waiting.delete(connection);
    this.#nonces.delete(connection);
    this.#open.add(connection);
    this.#dialled.get(connection)?.opened();
    this.#correct(connection);
    const { hello, seen } = introductionOf(connection);
    const peer = this.#peer(hello.node);
    const isFirst = peer.hello === null;
    const isNewStart = peer.hello !== null && hello.boot > peer.hello.boot;
    const outdated = isNewStart ? peer.connections : [];
    if (isNewStart && peer.hello !== null) peer.lost(peer.hello.boot);
    else peer.found(hello.boot);
    const surplus = peer.add(connection);
    peer.hello = hello;
    for (const old of outdated) old.end('was started anew');
    surplus?.end('has connected too often');
    this.#seen.note(hello.node, seen);
    this.#connected.set(hello.node, hello);
    if (isFirst) this.#options.log.info({ peer: hello.node, address: connection.remoteHost }, 'a node is connected');
    if (!this.#isClosed) this.#host.connected(hello);
  }

  #received(connection: BusConnection, channel: number, bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const { node } = introductionOf(connection).hello;
    if (channel === INTRODUCTION_CHANNEL) {
      this.#reintroduced(connection, bytes);
      return;
    }
    if (!isBusChannel(channel)) {
      connection.end(`sent a message on channel ${channel}, which there is not`);
      return;
    }
    const peer = this.#peers.get(node);
    assert(peer !== undefined, 'a node that is connected is known');
    peer.receivedMessages += 1;
    this.#host.received(node, channel, bytes);
  }

  #reintroduced(connection: BusConnection, bytes: Uint8Array): void {
    const { hello: former } = introductionOf(connection);
    const introduction = introductionFrom(bytes);
    const hello = introduction?.hello;
    if (introduction === null || hello?.node !== former.node || hello.boot !== former.boot) {
      connection.end('says of itself what cannot be');
      return;
    }
    if (isOtherCluster(this.#host.hello(), hello)) {
      connection.end('is of another cluster');
      return;
    }
    this.#peer(hello.node).hello = hello;
    this.#seen.note(hello.node, introduction.seen);
    this.#connected.set(hello.node, hello);
    this.#host.connected(hello);
  }

  /** What this node says of itself may be something else by the time a connection is open: it was not open to be told. */
  #correct(connection: BusConnection): void {
    const said = this.#said.get(connection);
    this.#said.delete(connection);
    const hello = this.#host.hello();
    if (said === undefined || (said.address === hello.address && said.clusterId === hello.clusterId)) return;
    connection.send(INTRODUCTION_CHANNEL, encodeIntroduction({ hello, seen: connection.remoteHost }));
    connection.flush();
  }

  #ended(connection: BusConnection, ending: Ending): void {
    this.#waiting.delete(connection);
    this.#said.delete(connection);
    this.#nonces.delete(connection);
    const wasOpen = this.#open.delete(connection);
    const isOurs = ending.code === RefusalCode.self || ending.code === RefusalCode.double;
    // Whoever looks whether the port is open comes and goes without a word.
    const isNotable = ending.isRefusal || (connection.role === 'dialer' && !wasOpen);
    if (isNotable && !isOurs) this.#refused(connection.role, connection.remoteHost, ending.reason);
    if (wasOpen) this.#left(connection, ending);
    const dialled = this.#dialled.get(connection);
    this.#dialled.delete(connection);
    dialled?.done({
      node: ending.node,
      livedMs: wasOpen ? monotonicMs() - connection.openedMs : 0,
      isRefusal: ending.isRefusal && ending.code !== RefusalCode.double,
      isSelf: ending.code === RefusalCode.self,
      reason: `it ${ending.reason}`,
    });
  }

  #left(connection: BusConnection, { reason }: Ending): void {
    const { node, boot } = introductionOf(connection).hello;
    const peer = this.#peers.get(node);
    assert(peer !== undefined, 'a node that is connected is known');
    peer.remove(connection);
    if (peer.connection === null) {
      peer.lost(boot);
      peer.hello = null;
      this.#seen.forget(node);
      this.#connected.delete(node);
      this.#forgetUnused(peer);
      if (!this.#isClosed) {
        this.#options.log.info({ peer: node, reason }, 'a node is not connected any more');
        this.#host.disconnected(node);
      }
    }
    if (this.#isClosed) return;
    if (connection.role === 'dialer') this.#dialer.lost(node);
    if (this.#connected.size === 0) this.#seeds.hurry();
  }

  #refused(role: Role, address: string, reason: string): void {
    if (this.#isClosed) return;
    const message =
      role === 'acceptor' ? 'a connection to the bus is refused' : 'a node of the bus is not one to speak to';
    this.#refusals.warn(`${role} ${address}`, monotonicMs(), { address, reason: `it ${reason}` }, message);
  }

  #unresolved(seed: Seed, error: unknown): void {
    const name = nameOf(seed);
    const reason = error instanceof Error ? error.message : String(error);
    this.#refusals.warn(`seed ${name}`, monotonicMs(), { seed: name, reason }, 'a seed of the cluster is not known');
  }

  #check(): void {
    const nowMs = monotonicMs();
    const { quietMs, silenceMs } = this.#options.limits;
    // A process that slept finds what came meanwhile only after its timers.
    const hasSlept = nowMs - this.#checkedMs > silenceMs / 4;
    this.#checkedMs = nowMs;
    for (const connection of [...this.#open]) {
      if (!hasSlept && nowMs - connection.receivedMs > silenceMs) connection.end(`was silent for ${silenceMs} ms`);
      else if (nowMs - connection.sentMs >= quietMs) connection.ping();
    }
  }

  #isDialled(node: NodeId): boolean {
    const peer = this.#peers.get(node);
    return peer !== undefined && peer.dialled !== null;
  }

  #peer(node: NodeId): Peer {
    const known = this.#peers.get(node);
    if (known !== undefined) return known;
    const peer = new Peer(node);
    this.#peers.set(node, peer);
    return peer;
  }

  #forgetUnused(peer: Peer): void {
    if (peer.connection === null && !this.#wanted.has(peer.node)) this.#peers.delete(peer.node);
  }
}

function introductionOf(connection: BusConnection): Introduction {
  const { introduction } = connection;
  assert(introduction !== null, 'the other end of an open connection has said who it is');
  return introduction;
}

function introductionFrom(bytes: Uint8Array): Introduction | null {
  try {
    return decodeIntroduction(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

/** Nodes of no cluster yet are taken by those of any. */
function isOtherCluster(own: BusHello, other: BusHello): boolean {
  return own.clusterId !== '' && other.clusterId !== '' && own.clusterId !== other.clusterId;
}

function isBusChannel(channel: number): channel is BusChannel {
  return channel === BusChannel.cluster || channel === BusChannel.founding;
}
