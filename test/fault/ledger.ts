import { Agent } from 'node:http';
import { violate } from '../simulation/check/violation.ts';
import { send } from './recording-client.ts';

const AT_ONCE = 250;
const ANSWERS_MS = 20_000;

/** Writes keys of its own, one after the other and each once. Whatever was acknowledged must be there ever after. */
export class Ledger {
  readonly #ports: () => readonly number[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2 });
  readonly #acknowledged: number[] = [];
  #next = 0;
  #checked = 0;
  #isStopped = false;

  constructor(ports: () => readonly number[]) {
    this.#ports = ports;
  }

  get count(): number {
    return this.#acknowledged.length;
  }

  async run(): Promise<void> {
    this.#isStopped = false;
    while (!this.#isStopped) {
      const number = this.#next++;
      const ports = this.#ports();
      const port = ports[number % Math.max(1, ports.length)];
      const answer =
        port === undefined
          ? null
          : await send(this.#agent, port, 'POST', '/set', { key: keyOf(number), value: number });
      if (answer?.kind === 'answer' && answer.status === 200) this.#acknowledged.push(number);
      else await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Reads what was acknowledged since the last check; `all`: ever. Throws when anything is not there. */
  async check(all = false): Promise<void> {
    const wanted = this.#acknowledged.slice(all ? 0 : this.#checked);
    this.#checked = this.#acknowledged.length;
    for (let at = 0; at < wanted.length; at += AT_ONCE) {
      const numbers = wanted.slice(at, at + AT_ONCE);
      const values = await this.#read(numbers.map(keyOf));
      const lost = numbers.filter((number, index) => String(values[index]) !== String(number));
      if (lost.length > 0)
        violate(`${lost.length} acknowledged writes are lost: ${lost.slice(0, 10).map(keyOf).join(', ')}`);
    }
  }

  async #read(keys: readonly string[]): Promise<readonly unknown[]> {
    const endMs = performance.now() + ANSWERS_MS;
    for (;;) {
      const [port = 0] = this.#ports();
      const answer = await send(this.#agent, port, 'POST', '/', ['MGET', ...keys]);
      const result = answer.kind === 'answer' ? answer.body['result'] : null;
      if (Array.isArray(result)) return result;
      if (performance.now() > endMs) violate(`the ledger cannot be read: ${JSON.stringify(answer).slice(0, 300)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function keyOf(number: number): string {
  return `ledger:${number}`;
}
