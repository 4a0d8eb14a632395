import { Agent } from 'node:http';
import { violate } from '../simulation/check/violation.ts';
import { type HttpAnswer, send } from './recording-client.ts';
import type { TroubledCluster } from './world.ts';

/** Writes and reads, and tries what fails once more, at another node: nothing planned may let that fail as well. */
export class PoliteClient {
  /** Requests, and how many of them took a second attempt. */
  count = 0;
  retries = 0;
  readonly #cluster: TroubledCluster;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2 });
  readonly #failures: string[] = [];
  #isStopped = false;

  constructor(cluster: TroubledCluster) {
    this.#cluster = cluster;
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const key = `polite:${this.count++ % 500}`;
      const first = await this.#ask(0, key);
      if (isDone(first)) continue;
      this.retries++;
      const second = await this.#ask(1, key);
      if (!isDone(second)) this.#failures.push(`${JSON.stringify(first)}, then ${JSON.stringify(second)}`);
    }
  }

  /** Throws when a request failed twice. */
  stop(): void {
    this.#isStopped = true;
    const [first] = this.#failures;
    if (first !== undefined) violate(`${this.#failures.length} of ${this.count} requests failed twice: ${first}`);
  }

  #ask(attempt: number, key: string): Promise<HttpAnswer> {
    const { names } = this.#cluster;
    const name = names[(this.count + attempt) % names.length] ?? '';
    const port = this.#cluster.node(name).httpPort;
    if (this.count % 2 === 0) return send(this.#agent, port, 'GET', `/get?key=${key}`, null);
    return send(this.#agent, port, 'POST', '/set', { key, value: this.count });
  }
}

function isDone(answer: HttpAnswer): boolean {
  return answer.kind === 'answer' && (answer.status === 200 || answer.body['error'] === 'no-such-key');
}
