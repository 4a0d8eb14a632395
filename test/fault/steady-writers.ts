import { RespConnection } from '../resp-connection.ts';
import { violate } from '../simulation/check/violation.ts';
import type { FaultCluster } from './fault-cluster.ts';

const CONNECTIONS_PER_NODE = 4;
const PIPELINED = 8;

/**
 * Connections that have counters raised, several commands at once, at nodes that nothing happens to while others are
 * stopped in order: of none may be unknown whether it was done. What was not run may be asked for again.
 */
export class SteadyWriters {
  /** Commands answered, and how many of these were not run. */
  count = 0;
  refused = 0;
  readonly #connections: readonly RespConnection[];
  readonly #unknown: string[] = [];
  readonly #running: Promise<unknown>;
  #isStopped = false;

  private constructor(connections: readonly RespConnection[]) {
    this.#connections = connections;
    this.#running = Promise.all(connections.map((connection, number) => this.#write(connection, number)));
  }

  static async start(cluster: Pick<FaultCluster, 'node'>, names: readonly string[]): Promise<SteadyWriters> {
    const ports = names.flatMap((name) => new Array<number>(CONNECTIONS_PER_NODE).fill(cluster.node(name).tcpPort));
    return new SteadyWriters(await Promise.all(ports.map((port) => RespConnection.open({ host: '127.0.0.1', port }))));
  }

  /** Rejects when nobody knows of a command whether it was done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    for (const connection of this.#connections) connection.close();
    if (this.#unknown.length === 0) return;
    violate(
      `${this.#unknown.length} of ${this.count} writes at nodes that stay: ${this.#unknown.slice(0, 3).join('; ')}`,
    );
  }

  async #write(connection: RespConnection, number: number): Promise<void> {
    for (let round = 0; !this.#isStopped; round++) {
      const commands = Array.from({ length: PIPELINED }, (_, index) => [
        'INCR',
        `steady:${number}:${(round * PIPELINED + index) % 100}`,
      ]);
      for (const reply of await connection.send(commands)) {
        this.count++;
        if (reply[0] === 0x3a) continue;
        const text = reply.toString().trimEnd();
        if (/not run|try again/i.test(text)) this.refused++;
        else this.#unknown.push(text);
      }
    }
  }
}
