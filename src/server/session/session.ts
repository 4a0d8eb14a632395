import type { ClientPort } from '../../command/connection.ts';

/** What another node of the cluster begins with that has commands to be run here. */
export const PEER_FIRST_BYTE = 0xf1;

/** One protocol on one connection: decodes what arrives, has commands run, and writes what is to be sent. */
export interface Session {
  /** What CLIENT LIST shows of the connection; null: it is another node's, which no client knows of. */
  readonly client: ClientPort | null;
  /**
   * Takes bytes that arrived, all of them; the array is the caller's again when this returns. A session that cannot take
   * commands now pauses the input, keeps a copy of the rest, and goes on by itself later.
   */
  receive(bytes: Uint8Array): void;
  /** The output is no longer congested: goes on with what was kept. */
  resume(): void;
  /** It has, or may have, input that it has not looked at, because something holds it. */
  readonly isHeld: boolean;
  /** Commands taken and not yet answered, and bytes kept that no command was made of yet. */
  readonly inFlight: number;
  readonly bufferedBytes: number;
  /**
   * The node stops: has the other end send nothing more, and takes what it sends until it has said so. A session without
   * this is given nothing more.
   */
  leave?(): void;
  /** After `leave`: the other end may have sent what is not read yet. */
  readonly isLeaving?: boolean;
  /** The other end sends nothing more. What it sent is still answered, but for what ends when its client goes. */
  inputEnded?(): void;
  /** The connection is gone: gives back whatever was held for it. Replies that still come are dropped. */
  close(): void;
}

/** The connection a session reads from and writes to. */
export interface SessionConnection {
  /** Counts up from 1 and is never used again. */
  readonly id: number;
  /** The address of the other end, without its port: failed log-ins are counted by it. */
  readonly remoteAddress: string;
  /** `host:port` of the other end and of this one. */
  readonly address: string;
  readonly localAddress: string;
  readonly connectedAtMs: number;
  /** When bytes arrived last, by the node's clock. */
  readonly lastInputMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;

  /** Where `reserve` made room. Take it anew after each call. */
  readonly bytes: Uint8Array;
  /** Room for `count` bytes at `bytes[returned..)`; what is written there is sent, in order, at the end of the turn. */
  reserve(count: number): number;
  /** Takes back the last `count` bytes of what was reserved last. */
  giveBack(count: number): void;
  /** Bytes reserved and not yet taken by the socket. */
  readonly unsentBytes: number;
  /** So much is unsent that no further command may be run before `Session.resume` is called. */
  readonly isCongested: boolean;
  /** Reads nothing more from the socket until `resumeInput`. */
  pauseInput(): void;
  resumeInput(): void;
  /** Closes when all that was written is sent; nothing more is read, nor sent. */
  end(): void;
  /** Closes at once for a reason that is logged. */
  destroy(reason: string): void;
}

/** Begins a session on a connection whose first bytes are of the session's protocol. */
export type OpenSession = (connection: SessionConnection) => Session;
