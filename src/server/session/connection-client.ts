import type { ClientPort } from '../../command/connection.ts';
import type { SessionConnection } from './session.ts';

/** What a session tells of itself for CLIENT LIST. */
export interface SessionFacts {
  readonly userName: string | null;
  readonly resp: 2 | 3;
  readonly channelCount: number;
  readonly patternCount: number;
  /** -1 outside a transaction. */
  readonly queuedCount: number;
  readonly watchedCount: number;
  readonly isTracking: boolean;
  readonly tracking: { readonly redirectId: number };
  readonly bufferedBytes: number;
}

/** A connection as commands see it, of either protocol. */
export class ConnectionClient implements ClientPort {
  readonly protocol: 'resp' | 'msgpack';
  name = '';
  libraryName = '';
  libraryVersion = '';
  isNoEvict = false;
  isNoTouch = false;
  replyMode: 'on' | 'off' | 'skip' = 'on';
  /** Kept by the session, with every command. */
  lastCommand = '';
  commandCount = 0;
  readonly connection: SessionConnection;
  readonly #session: SessionFacts;

  constructor(connection: SessionConnection, protocol: 'resp' | 'msgpack', session: SessionFacts) {
    this.connection = connection;
    this.protocol = protocol;
    this.#session = session;
  }

  /** Closes the connection at once. */
  close(): void {
    this.connection.destroy('');
  }

  get id(): number {
    return this.connection.id;
  }
  get address(): string {
    return this.connection.address;
  }
  get localAddress(): string {
    return this.connection.localAddress;
  }
  get lastCommandAtMs(): number {
    return this.connection.lastInputMs;
  }
  get connectedAtMs(): number {
    return this.connection.connectedAtMs;
  }
  get userName(): string {
    return this.#session.userName ?? '(none)';
  }
  get resp(): 2 | 3 {
    return this.#session.resp;
  }
  get channelCount(): number {
    return this.#session.channelCount;
  }
  get patternCount(): number {
    return this.#session.patternCount;
  }
  get queuedCount(): number {
    return this.#session.queuedCount;
  }
  get watchedCount(): number {
    return this.#session.watchedCount;
  }
  get isTracking(): boolean {
    return this.#session.isTracking;
  }
  get redirectId(): number {
    return this.#session.tracking.redirectId;
  }
  get inputBytes(): number {
    return this.#session.bufferedBytes;
  }
  get outputBytes(): number {
    return this.connection.unsentBytes;
  }
  get totalReceivedBytes(): number {
    return this.connection.receivedBytes;
  }
  get totalSentBytes(): number {
    return this.connection.sentBytes;
  }
}
