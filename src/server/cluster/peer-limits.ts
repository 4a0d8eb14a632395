/** What a link between two nodes may use up, at either end. Bytes, milliseconds, counts. */
export interface PeerLimits {
  /** Commands under way to one other node. */
  readonly forwardsMax: number;
  /** Of the commands under way to one other node. */
  readonly forwardBytesMax: number;
  /** Of the largest command or reply, and what goes with it. */
  readonly frameBytesMax: number;
  /** Of what a node is asked of itself. */
  readonly askBytesMax: number;
  /** From the first byte to the other end's proof. */
  readonly handshakeMs: number;
  /** Connections of others that have not shown yet that they know the secret. */
  readonly handshakesMax: number;
  /** How often the dialer says that it is there. */
  readonly pingMs: number;
  /** So many pings without anything from the other end, and the link is given up. */
  readonly silentPingsMax: number;
  /** Between two attempts to reach a node, a random part of: */
  readonly redialMsFirst: number;
  readonly redialMsMax: number;
}

export const peerLimits: PeerLimits = {
  forwardsMax: 10_000,
  forwardBytesMax: 64 << 20,
  frameBytesMax: 80 << 20,
  askBytesMax: 1024,
  handshakeMs: 2000,
  handshakesMax: 32,
  pingMs: 500,
  silentPingsMax: 4,
  redialMsFirst: 50,
  redialMsMax: 2000,
};
