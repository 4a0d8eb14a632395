import type { NodeId } from '../identity.ts';

/** What each end says of itself when a connection of the bus is made, once both have shown that they know the secret. */
export interface BusHello {
  readonly node: NodeId;
  readonly boot: number;
  /** `host:port` of its own bus, as others reach it. */
  readonly address: string;
  /** 40 hexadecimal digits; '' for a node that is of no cluster yet. Nodes of two clusters refuse each other. */
  readonly clusterId: string;
}

/** Numbers of the kinds of messages: what a message is about, for whoever takes it. */
export const BusChannel = {
  /** One `ClusterMessage`. */
  cluster: 0,
  /** Nodes that are about to found a cluster. */
  founding: 1,
} as const;
export type BusChannel = (typeof BusChannel)[keyof typeof BusChannel];

/** What is known of the connections to another node. */
export interface BusLink {
  readonly node: NodeId;
  /** Where it is dialled; what it says itself, when nobody asked for it. */
  readonly address: string;
  readonly isConnected: boolean;
  /** Milliseconds since the Unix epoch; 0: it is not connected. */
  readonly connectedAtMs: number;
  /** When anything came from there last, likewise; 0: nothing has. */
  readonly heardAtMs: number;
  /** When the last connection was lost, likewise; 0: none was, or the same start of the node is connected again. */
  readonly lostAtMs: number;
  /** Which start of the node was lost then. */
  readonly lostBoot: number;
  readonly sentMessages: number;
  readonly receivedMessages: number;
  /** Bytes that wait to be sent. */
  readonly queuedBytes: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Messages thrown away because the other end did not keep up, or was not there. */
  readonly droppedMessages: number;
}

export interface BusHost {
  /** What to say of this node now. */
  hello(): BusHello;
  /** A connection to this node is there, or the node says something else of itself; a second one is told of again. */
  connected(peer: BusHello): void;
  /** The last connection to this node is gone. */
  disconnected(node: NodeId): void;
  /**
   * `bytes` are the receiver's to keep; they are a view of the frame they came in, so what is kept for long is better
   * copied. Messages of one connection come in the order in which they were sent.
   */
  received(from: NodeId, channel: BusChannel, bytes: Uint8Array): void;
  /** After the messages of one read were handed over. */
  batchEnded(): void;
}

/** Carries messages between nodes. Messages may get lost with a connection, never be torn, changed or made up. */
export interface Bus {
  /** Starts to listen and to dial; resolves to the port. Rejects with a `FluxError` that names address and reason. */
  start(): Promise<number>;
  /** Whom to keep a connection to, by address; nodes that connected by themselves stay until they leave. */
  setPeers(peers: ReadonlyMap<NodeId, string>): void;
  /** Nodes that are connected. */
  readonly connected: ReadonlyMap<NodeId, BusHello>;
  /** Of nodes that are connected, or to be. */
  links(): BusLink[];
  /** The host at which most other nodes see this one; '' before any has said. */
  readonly seenHost: string;
  /** Has all connected nodes told what `BusHost.hello` says now. Nodes of another cluster lose their connection. */
  announce(): void;
  /**
   * To be sent with the next `flush`. False: thrown away, since there is no connection, or more than its limit waits.
   * A message is no longer than the limit the bus was made with.
   * `bytes` may be used again after the call.
   */
  send(to: NodeId, channel: BusChannel, bytes: Uint8Array): boolean;
  /** One frame for each node with something to send. Called once for each batch of events. */
  flush(): void;
  close(): Promise<void>;
}
