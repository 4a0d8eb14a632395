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

export interface BusHost {
  /** What to say of this node now. */
  hello(): BusHello;
  /** A connection to this node is there; a second one to the same node is told of again. */
  connected(peer: BusHello): void;
  /** The last connection to this node is gone. */
  disconnected(node: NodeId): void;
  /** `bytes` are the receiver's to keep. Messages of one connection come in the order in which they were sent. */
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
  /**
   * To be sent with the next `flush`. False: thrown away, since there is no connection, or more than its limit waits.
   * `bytes` may be used again after the call.
   */
  send(to: NodeId, channel: BusChannel, bytes: Uint8Array): boolean;
  /** One frame for each node with something to send. Called once for each batch of events. */
  flush(): void;
  close(): Promise<void>;
}
