import { Agent } from 'node:http';
import { slotOf } from '../../src/base/slot.ts';
import { History, type Operation } from '../simulation/check/history.ts';
import { checkLinearizable } from '../simulation/check/linearizability.ts';
import { violate } from '../simulation/check/violation.ts';
import type { SeededRandom } from '../simulation/random.ts';
import type { FaultCluster } from './fault-cluster.ts';
import { Ledger } from './ledger.ts';
import { RecordingClient, send, type Tally } from './recording-client.ts';

/** How long a cluster may take to be whole again once everything is healed. */
const RECOVERY_MS = 90_000;
const ANSWERS_MS = 20_000;
/** At once, on a machine that has other things to do. */
const REFUSED_MS = 3000;

/** What a world needs of its cluster. */
export type TroubledCluster = Pick<
  FaultCluster,
  'table' | 'names' | 'running' | 'node' | 'isWell' | 'report' | 'control' | keyof FaultNodeActions
>;
type FaultNodeActions = Pick<FaultCluster, 'kill' | 'terminate' | 'startNode' | 'pause' | 'resume' | 'join' | 'leave'>;

export interface WorldOptions {
  readonly cluster: TroubledCluster;
  readonly random: SeededRandom;
  readonly clients: number;
  readonly keys: number;
  readonly leaseMs: number;
  readonly say: (text: string) => void;
}

export interface RoundResult {
  readonly tally: Tally;
  readonly operations: number;
  readonly recoveryMs: number;
}

/** A cluster under load: what scenarios are played in. */
export class World {
  readonly cluster: TroubledCluster;
  readonly random: SeededRandom;
  readonly say: (text: string) => void;
  /** From a primary's death to the first write to what it was primary of. */
  readonly failoversMs: number[] = [];
  readonly ledger: Ledger;
  readonly leaseMs: number;
  readonly #options: WorldOptions;
  readonly #agent = new Agent({ keepAlive: true });
  #round = 0;
  #value = 0;
  #probes = 0;
  #clients: RecordingClient[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
    this.cluster = options.cluster;
    this.leaseMs = options.leaseMs;
    this.random = options.random;
    this.say = options.say;
    this.ledger = new Ledger(() => this.#portsToAsk());
  }

  /** Plays a scenario under load, heals what it has left, and checks what clients were told. Rejects with what is wrong. */
  async play(scenario: (world: World) => Promise<void>): Promise<RoundResult> {
    const history = new History();
    const prefix = `r${++this.#round}`;
    const keys = Array.from({ length: this.#options.keys }, (_, number) => `${prefix}:k${number}`);
    this.#clients = Array.from({ length: this.#options.clients }, (_, number) =>
      this.#client(`c${number}`, history, keys),
    );
    const loads = [...this.#clients.map((client) => client.run()), this.ledger.run()];
    // A client that was told nonsense ends the round at once.
    const trouble = Promise.all(loads).then(() => undefined);
    let recoveryMs: number;
    try {
      await Promise.race([scenario(this), never(trouble)]);
      this.cluster.table.heal();
      const beganMs = performance.now();
      await Promise.race([this.cluster.isWell(RECOVERY_MS), never(trouble)]);
      recoveryMs = performance.now() - beganMs;
    } finally {
      for (const client of this.#clients) client.stop();
      this.ledger.stop();
      await Promise.allSettled(loads);
    }
    await trouble;
    await this.#finalReads(history, keys);
    check(history);
    await this.ledger.check();
    return { tally: sum(this.#clients.map(({ tally }) => tally)), operations: history.operations.length, recoveryMs };
  }

  /** A node that runs. */
  anyNode(): string {
    return this.random.pick(this.cluster.running);
  }

  async sleep(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Kills a node and measures how long nobody takes writes to what it was primary of. */
  async killAndMeasure(name: string): Promise<void> {
    const key = await this.#keyOn(name);
    await this.cluster.kill(name);
    const beganMs = performance.now();
    if (key === null) return;
    const tookMs = await this.#untilWritten(key, beganMs);
    this.failoversMs.push(tookMs);
    this.say(`  ${name} killed; its keys were written again after ${Math.round(tookMs)} ms`);
  }

  /** Rejects unless the node, being cut off, refuses everything at once. */
  async expectRefusal(name: string): Promise<void> {
    const { httpPort } = this.cluster.node(name);
    for (const method of ['GET', 'POST'] as const) {
      const beganMs = performance.now();
      const key = `probe:${this.#probes++}`;
      const answer =
        method === 'GET'
          ? await send(this.#agent, httpPort, method, `/get?key=${key}`, null)
          : await send(this.#agent, httpPort, method, '/set', { key, value: 1 });
      const tookMs = performance.now() - beganMs;
      const isRefusal = answer.kind === 'answer' && answer.status === 503;
      if (!isRefusal || tookMs > REFUSED_MS) {
        violate(
          `${name} is cut off, and answered ${method} after ${Math.round(tookMs)} ms with ${JSON.stringify(answer)}`,
        );
      }
    }
  }

  /** Rejects unless somebody takes a write to every one of these keys. */
  async expectService(withinMs: number): Promise<void> {
    const beganMs = performance.now();
    for (let number = 0; number < 8; number++) {
      const tookMs = await this.#untilWritten(`probe:${this.#probes++}`, performance.now());
      if (tookMs > withinMs) violate(`a write was only taken after ${Math.round(tookMs)} ms`);
    }
    this.say(`  8 keys written in ${Math.round(performance.now() - beganMs)} ms`);
  }

  /** A key of a partition that this node is primary of; null: it is of none. */
  async #keyOn(name: string): Promise<string | null> {
    const report = await this.cluster.report(name);
    const own = report?.table?.filter(({ primary }) => primary === report.self) ?? [];
    if (own.length === 0) return null;
    for (;;) {
      const key = `probe:${this.#probes++}`;
      const slot = slotOf(Buffer.from(key), 0, key.length);
      if (own.some(({ slots: [first, last] }) => slot >= first && slot <= last)) return key;
    }
  }

  async #untilWritten(key: string, sinceMs: number): Promise<number> {
    for (let attempt = 0; ; attempt++) {
      const ports = this.#portsToAsk();
      const port = ports[attempt % ports.length] ?? 0;
      const answer = await send(this.#agent, port, 'POST', '/set', { key, value: attempt });
      if (answer.kind === 'answer' && answer.status === 200) return performance.now() - sinceMs;
      if (performance.now() - sinceMs > ANSWERS_MS) violate(`nobody takes writes to ${key}: ${JSON.stringify(answer)}`);
      await this.sleep(10);
    }
  }

  #client(name: string, history: History, keys: readonly string[]): RecordingClient {
    return new RecordingClient({
      name,
      history,
      random: this.random,
      ports: () => (this.random.chance(0.1) ? this.#allPorts() : this.#portsToAsk()),
      keys,
      nextValue: () => ++this.#value,
    });
  }

  async #finalReads(history: History, keys: readonly string[]): Promise<void> {
    for (const name of this.cluster.running) {
      const { httpPort } = this.cluster.node(name);
      const reader = new RecordingClient({
        name: 'final',
        history,
        random: this.random,
        ports: () => [httpPort],
        keys,
        nextValue: () => ++this.#value,
      });
      for (const key of keys) await reader.readForCertain(key, ANSWERS_MS);
    }
  }

  #portsToAsk(): number[] {
    return this.cluster.running.map((name) => this.cluster.node(name).httpPort);
  }

  /** Those too that are dead or paused. */
  #allPorts(): number[] {
    return this.cluster.names.map((name) => this.cluster.node(name).httpPort);
  }
}

/** Rejects as the promise does, and never resolves. */
function never(promise: Promise<void>): Promise<never> {
  return promise.then(() => new Promise<never>(() => undefined));
}

function check(history: History): void {
  for (const operations of history.byKey()) {
    const verdict = checkLinearizable(operations);
    if (verdict.type === 'violation') violate(`${verdict.report}\n${tellAll(operations)}`);
    if (verdict.type === 'undecided') violate(`key ${operations[0]?.key} cannot be judged: ${verdict.reason}`);
  }
}

function tellAll(operations: readonly Operation[]): string {
  return `${operations.length} operations on the key in all`;
}

function sum(tallies: readonly Tally[]): Tally {
  const total: Tally = { done: 0, refused: 0, lost: 0, longestGapMs: 0 };
  for (const { done, refused, lost, longestGapMs } of tallies) {
    total.done += done;
    total.refused += refused;
    total.lost += lost;
    total.longestGapMs = Math.max(total.longestGapMs, longestGapMs);
  }
  return total;
}
