import { Agent } from 'node:http';
import { violate } from '../simulation/check/violation.ts';
import { type HttpAnswer, send } from './recording-client.ts';
import type { TroubledCluster } from './world.ts';

/** How often it looks which nodes are ready. */
const LOOK_MS = 100;

/**
 * Writes and reads, of any node that runs, and tries what fails once more, at a node that says that it is ready: nothing
 * planned may let that fail as well.
 */
export class PoliteClient {
  /** Requests, and how many of them took a second attempt. */
  count = 0;
  retries = 0;
  readonly #cluster: TroubledCluster;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2 });
  readonly #failures: string[] = [];
  #ready: readonly string[] = [];
  #isStopped = false;

  constructor(cluster: TroubledCluster) {
    this.#cluster = cluster;
  }

  async run(): Promise<void> {
    await this.#look();
    const looking = this.#lookAgain();
    while (!this.#isStopped) {
      const key = `polite:${++this.count % 500}`;
      const { running } = this.#cluster;
      const name = running[this.count % running.length] ?? '';
      const first = await this.#ask(name, key);
      if (isDone(first)) continue;
      this.retries++;
      const others = this.#ready.filter((other) => other !== name);
      const other = others[this.count % Math.max(1, others.length)] ?? '';
      const second = await this.#ask(other, key);
      if (isDone(second)) continue;
      const atMs = new Date().toISOString();
      this.#failures.push(`${atMs} ${name}: ${JSON.stringify(first)}, then ${other}: ${JSON.stringify(second)}`);
    }
    await looking;
  }

  /** Throws when a request failed twice. */
  stop(): void {
    this.#isStopped = true;
    if (this.#failures.length === 0) return;
    violate(
      `${this.#failures.length} of ${this.count} requests failed twice:\n${this.#failures.slice(0, 5).join('\n')}`,
    );
  }

  #ask(name: string, key: string): Promise<HttpAnswer> {
    if (name === '') return Promise.resolve({ kind: 'refused', reason: 'there is no node to ask' });
    const port = this.#cluster.node(name).httpPort;
    if (this.count % 2 === 0) return send(this.#agent, port, 'GET', `/get?key=${key}`, null);
    return send(this.#agent, port, 'POST', '/set', { key, value: this.count });
  }

  async #lookAgain(): Promise<void> {
    while (!this.#isStopped) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const answers = await Promise.all(
      this.#cluster.running.map(async (name) => {
        const answer = await send(this.#agent, this.#cluster.node(name).httpPort, 'GET', '/readyz', null);
        return answer.kind === 'answer' && answer.status === 200 ? name : null;
      }),
    );
    this.#ready = answers.filter((name) => name !== null);
  }
}

function isDone(answer: HttpAnswer): boolean {
  return answer.kind === 'answer' && (answer.status === 200 || answer.body['error'] === 'no-such-key');
}
