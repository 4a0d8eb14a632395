import { monotonicMs } from '../../base/monotonic.ts';
import type { NodeId } from '../identity.ts';
import type { BusHello, BusLink } from './bus.ts';
import type { BusConnection } from './bus-connection.ts';

/** A node dials again when it takes its connection for lost, which the other end may find out later. */
const ACCEPTED_MAX = 4;

/** Another node: the connections there are to it, and what went over all there were. */
export class Peer {
  readonly node: NodeId;
  /** Where it is to be dialled; '' when nobody asked for it. */
  address = '';
  /** What it says of itself; null while it is not connected. */
  hello: BusHello | null = null;
  /** The connection that this node has dialled. */
  dialled: BusConnection | null = null;
  /** Those that the other one has dialled, the newest last: one that it has given up may be among them. */
  #accepted: readonly BusConnection[] = [];
  sentMessages = 0;
  receivedMessages = 0;
  droppedMessages = 0;
  /** Milliseconds since the Unix epoch; 0: not lost. */
  #lostAtMs = 0;
  #lostBoot = 0;
  /** By `monotonicMs`; of connections that have ended. */
  #heardMs = Number.NEGATIVE_INFINITY;
  /** Of connections that have ended. */
  #sentBytes = 0;
  #receivedBytes = 0;

  constructor(node: NodeId) {
    this.node = node;
  }

  /** The connection to send on. */
  get connection(): BusConnection | null {
    return this.dialled ?? this.#accepted[this.#accepted.length - 1] ?? null;
  }

  get connections(): BusConnection[] {
    return this.dialled === null ? [...this.#accepted] : [this.dialled, ...this.#accepted];
  }

  /** No connection to this start of the node is left. */
  lost(boot: number): void {
    this.#lostAtMs = Date.now();
    this.#lostBoot = boot;
  }

  /** This start of the node is connected. */
  found(boot: number): void {
    // That the one before was lost stays known: the cluster may not have taken it in yet.
    if (boot === this.#lostBoot) this.#lostAtMs = 0;
  }

  /** Takes a connection that is open, and returns the one that is too many now. */
  add(connection: BusConnection): BusConnection | null {
    if (connection.role === 'dialer') {
      const former = this.dialled;
      this.dialled = connection;
      return former;
    }
    this.#accepted = [...this.#accepted, connection];
    return this.#accepted.length > ACCEPTED_MAX ? (this.#accepted[0] ?? null) : null;
  }

  /** Forgets a connection that has ended. */
  remove(connection: BusConnection): void {
    if (this.dialled === connection) this.dialled = null;
    this.#accepted = this.#accepted.filter((accepted) => accepted !== connection);
    this.#heardMs = Math.max(this.#heardMs, connection.receivedMs);
    this.#sentBytes += connection.sentBytes;
    this.#receivedBytes += connection.receivedBytes;
  }

  link(): BusLink {
    const open = this.connections;
    const sum = (of: (connection: BusConnection) => number): number =>
      open.reduce((total, connection) => total + of(connection), 0);
    const heardMs = Math.max(this.#heardMs, ...open.map(({ receivedMs }) => receivedMs));
    return {
      node: this.node,
      address: this.address !== '' ? this.address : (this.hello?.address ?? ''),
      isConnected: open.length > 0,
      connectedAtMs: open.length === 0 ? 0 : Math.min(...open.map(({ openedAtMs }) => openedAtMs)),
      heardAtMs: Number.isFinite(heardMs) ? Math.round(Date.now() - (monotonicMs() - heardMs)) : 0,
      lostAtMs: this.#lostAtMs,
      lostBoot: this.#lostBoot,
      sentMessages: this.sentMessages,
      receivedMessages: this.receivedMessages,
      queuedBytes: sum(({ queuedBytes }) => queuedBytes),
      sentBytes: this.#sentBytes + sum(({ sentBytes }) => sentBytes),
      receivedBytes: this.#receivedBytes + sum(({ receivedBytes }) => receivedBytes),
      droppedMessages: this.droppedMessages,
    };
  }
}
