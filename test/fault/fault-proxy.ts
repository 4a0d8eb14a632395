import { connect, createServer, type Server, type Socket } from 'node:net';
import type { FaultTable, FlowRule } from './fault-table.ts';

/** Bytes that are held before their sender is made to wait. */
const HELD_BYTES_MAX = 256 * 1024;
/** Pieces that trickle are written so often. */
const TRICKLE_MS = 20;

export interface FaultProxyOptions {
  /** The node that is reached through it. */
  readonly owner: string;
  /** Where the node listens, on loopback. */
  readonly targetPort: number;
  readonly table: FaultTable;
  /** Which node has dialled from this port; null: none of the cluster. */
  readonly dialerOf: (remotePort: number, proxyPort: number) => Promise<string | null>;
  /** Where in 0…1 each random choice falls. */
  readonly random?: () => number;
}

/**
 * Stands before a port of a node and does to what flows there as the table says, for each dialler and each direction.
 * It looks into nothing: bytes are never lost or torn within a connection, as TCP does not either.
 */
export class FaultProxy {
  readonly #options: FaultProxyOptions;
  readonly #server: Server;
  readonly #connections = new Set<ProxiedConnection>();
  readonly #forget: () => void;
  #port = 0;

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => void this.#accept(socket));
    this.#forget = options.table.onChange(() => {
      for (const connection of this.#connections) connection.look();
    });
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    const address = proxy.#server.address();
    proxy.#port = typeof address === 'object' && address !== null ? address.port : 0;
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  async stop(): Promise<void> {
    this.#forget();
    for (const connection of this.#connections) connection.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #accept(socket: Socket): Promise<void> {
    socket.on('error', () => undefined);
    socket.pause();
    const { owner, table, dialerOf, targetPort, random = Math.random } = this.#options;
    const dialer = (await dialerOf(socket.remotePort ?? 0, this.#port)) ?? 'outside';
    if (socket.destroyed) return;
    if (table.rule(dialer, owner).kind === 'cut' || table.rule(owner, dialer).kind === 'cut') {
      socket.resetAndDestroy();
      return;
    }
    const connection = new ProxiedConnection(
      socket,
      connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }),
      () => table.rule(dialer, owner),
      () => table.rule(owner, dialer),
      random,
    );
    this.#connections.add(connection);
    connection.onEnd = () => this.#connections.delete(connection);
    connection.look();
    socket.resume();
  }
}

/** One connection: two flows, and what ends them. */
class ProxiedConnection {
  onEnd: () => void = () => undefined;
  readonly #flows: readonly [Flow, Flow];
  readonly #sockets: readonly [Socket, Socket];
  #isOver = false;

  constructor(dialled: Socket, target: Socket, there: () => FlowRule, back: () => FlowRule, random: () => number) {
    this.#sockets = [dialled, target];
    this.#flows = [new Flow(dialled, target, there, random), new Flow(target, dialled, back, random)];
    for (const flow of this.#flows) flow.onReset = () => this.cut();
    for (const socket of this.#sockets) socket.on('close', () => this.#closed());
  }

  /** To be called when a rule may have changed. */
  look(): void {
    if (this.#flows.some((flow) => flow.rule.kind === 'cut')) this.cut();
    else for (const flow of this.#flows) flow.move();
  }

  cut(): void {
    for (const flow of this.#flows) flow.stop();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#closed();
  }

  #closed(): void {
    if (this.#isOver || !this.#sockets.every((socket) => socket.destroyed)) return;
    this.#isOver = true;
    this.onEnd();
  }
}

interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/** Bytes in one direction, in their order. */
class Flow {
  /** The sender's end broke off, and the receiver may be told. */
  onReset: () => void = () => undefined;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #rule: () => FlowRule;
  readonly #random: () => number;
  readonly #pieces: Piece[] = [];
  #heldBytes = 0;
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #end: 'none' | 'finished' | 'broken' = 'none';
  #isDone = false;
  #isCongested = false;

  constructor(from: Socket, to: Socket, rule: () => FlowRule, random: () => number) {
    this.#from = from;
    this.#to = to;
    this.#rule = rule;
    this.#random = random;
    from.on('error', () => this.#ended('broken'));
    from.on('close', () => this.#ended('broken'));
    from.on('end', () => this.#ended('finished'));
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    to.on('drain', () => {
      this.#isCongested = false;
      this.move();
    });
  }

  get rule(): FlowRule {
    return this.#rule();
  }

  stop(): void {
    this.#isDone = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#pieces.length = 0;
  }

  /** Writes what may be written now, and comes back for the rest. */
  move(): void {
    if (this.#isDone) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const { rule } = this;
    if (rule.kind === 'hold' || rule.kind === 'cut') return;
    if (rule.kind === 'trickle') this.#trickle(rule.bytesPerS);
    else this.#writeDue();
    if (this.#pieces.length === 0 && this.#end !== 'none') this.#pass(this.#end);
  }

  #take(bytes: Buffer): void {
    if (this.#isDone) return;
    const { rule } = this;
    const delayMs = rule.kind === 'delay' ? rule.ms * (1 + this.#random()) : 0;
    this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + delayMs);
    this.#pieces.push({ bytes, dueMs: this.#lastDueMs });
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > HELD_BYTES_MAX) this.#from.pause();
    this.move();
  }

  #writeDue(): void {
    const nowMs = performance.now();
    while (!this.#isCongested) {
      const [piece] = this.#pieces;
      if (piece === undefined) break;
      if (piece.dueMs > nowMs) {
        this.#timer = setTimeout(() => this.move(), piece.dueMs - nowMs);
        break;
      }
      this.#pieces.shift();
      this.#write(piece.bytes);
    }
  }

  #trickle(bytesPerS: number): void {
    const [piece] = this.#pieces;
    if (piece === undefined || this.#isCongested) return;
    const count = Math.max(1, Math.round((bytesPerS * TRICKLE_MS) / 1000));
    this.#pieces.shift();
    if (piece.bytes.length > count) this.#pieces.unshift({ ...piece, bytes: piece.bytes.subarray(count) });
    this.#write(piece.bytes.subarray(0, count));
    if (this.#pieces.length > 0) this.#timer = setTimeout(() => this.move(), TRICKLE_MS);
  }

  #write(bytes: Buffer): void {
    this.#heldBytes -= bytes.length;
    if (this.#heldBytes <= HELD_BYTES_MAX && this.#from.isPaused()) this.#from.resume();
    if (this.#to.destroyed) return;
    this.#isCongested = !this.#to.write(bytes);
  }

  #ended(how: 'finished' | 'broken'): void {
    if (this.#end === 'none') this.#end = how;
    this.move();
  }

  #pass(how: 'finished' | 'broken'): void {
    this.#isDone = true;
    if (how === 'broken') this.onReset();
    else this.#to.end();
  }
}
