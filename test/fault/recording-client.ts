import { Agent, request } from 'node:http';
import type { Call, History, Outcome } from '../simulation/check/history.ts';
import type { SeededRandom } from '../simulation/random.ts';

/** An answer that takes longer is given up; what it was the answer to may still happen. */
const PATIENCE_MS = 10_000;

/** An answer over HTTP, or why there is none: `refused` if the request cannot have arrived. */
export type HttpAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused' | 'lost'; readonly reason: string };

/** Something that must not be said was: a defect of the node. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

export interface RecordingClientOptions {
  readonly name: string;
  readonly history: History;
  readonly random: SeededRandom;
  /** Ports of HTTP that it may ask, anew each time. */
  readonly ports: () => readonly number[];
  readonly keys: readonly string[];
  /** A number that no other write bears. */
  readonly nextValue: () => number;
}

export interface Tally {
  done: number;
  refused: number;
  lost: number;
  /** Longest time between two operations that were done. */
  longestGapMs: number;
}

/**
 * Asks one thing after the other of nodes chosen by chance and records what it was told, for the checker of
 * linearizability. Nothing is tried twice.
 */
export class RecordingClient {
  readonly tally: Tally = { done: 0, refused: 0, lost: 0, longestGapMs: 0 };
  readonly #options: RecordingClientOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  /** Versions that were seen, of which a conditional write expects one. */
  readonly #versions = new Map<string, number>();
  #isStopped = false;
  #doneAtMs = performance.now();

  constructor(options: RecordingClientOptions) {
    this.#options = options;
  }

  /** Asks until `stop`. Rejects with a {@link WrongAnswer}. */
  async run(): Promise<void> {
    this.#doneAtMs = performance.now();
    while (!this.#isStopped) {
      const outcome = await this.once();
      if (outcome === 'done') {
        const nowMs = performance.now();
        this.tally.longestGapMs = Math.max(this.tally.longestGapMs, nowMs - this.#doneAtMs);
        this.#doneAtMs = nowMs;
      } else {
        // As a client does that is told to come back.
        await new Promise((resolve) => setTimeout(resolve, this.#options.random.integer(5, 40)));
      }
    }
    this.#agent.destroy();
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** One operation by chance. */
  async once(): Promise<'done' | 'refused' | 'lost'> {
    const { random, keys, nextValue } = this.#options;
    const key = keys[random.integer(0, keys.length - 1)] as string;
    const chance = random.fraction();
    const version = this.#versions.get(key);
    if (chance < 0.45) return this.#operate(key, { kind: 'get' });
    if (chance < 0.8) return this.#operate(key, { kind: 'set', value: nextValue() });
    if (chance < 0.93 && version !== undefined) {
      return this.#operate(key, { kind: 'cas', expected: version, value: nextValue() });
    }
    return this.#operate(key, { kind: 'delete' });
  }

  /** Reads a key until somebody answers. */
  async readForCertain(key: string, withinMs: number): Promise<void> {
    const endMs = performance.now() + withinMs;
    while ((await this.#operate(key, { kind: 'get' })) !== 'done') {
      if (performance.now() > endMs) throw new Error(`nobody answers for ${key}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #operate(key: string, call: Call): Promise<'done' | 'refused' | 'lost'> {
    const { name, history, random, ports } = this.#options;
    const candidates = ports();
    const port = candidates[random.integer(0, candidates.length - 1)];
    if (port === undefined) return 'refused';
    const number = history.invoke(`${name}@${port}`, 0, key, call, performance.now());
    const answer = await ask(this.#agent, port, call, key);
    const outcome = outcomeOf(call, answer);
    history.settle(number, outcome, performance.now());
    const { tally } = this;
    if (outcome.type === 'returned') {
      tally.done++;
      const { result } = outcome;
      if (result.type === 'value' || (result.type === 'done' && result.version > 0))
        this.#versions.set(key, result.version);
      return 'done';
    }
    if (outcome.type === 'refused') tally.refused++;
    else tally.lost++;
    return outcome.type === 'refused' ? 'refused' : 'lost';
  }
}

/** What an answer says of what became of the call. Throws {@link WrongAnswer} where no node may say so. */
export function outcomeOf(call: Call, answer: HttpAnswer): Outcome {
  const isRead = call.kind === 'get';
  if (answer.kind !== 'answer') {
    const isWithoutEffect = isRead || answer.kind === 'refused';
    return isWithoutEffect ? { type: 'refused', reason: answer.reason } : { type: 'indeterminate' };
  }
  const { status, body } = answer;
  const { error } = body;
  if (status === 200) return { type: 'returned', result: resultOf(call, body) };
  if (isRead && status === 404 && error === 'no-such-key') return { type: 'returned', result: { type: 'absent' } };
  if (call.kind === 'cas' && status === 409) return { type: 'returned', result: { type: 'not-done' } };
  if (error === 'indeterminate') return isRead ? { type: 'refused', reason: 'in doubt' } : { type: 'indeterminate' };
  // What may be tried again was not done.
  if (body['retryable'] === true) return { type: 'refused', reason: String(error) };
  throw new WrongAnswer(`${call.kind} was answered ${status} ${JSON.stringify(body)}`);
}

function resultOf(
  call: Call,
  body: Readonly<Record<string, unknown>>,
): Extract<Outcome, { type: 'returned' }>['result'] {
  switch (call.kind) {
    case 'get':
      return { type: 'value', value: Number(body['value']), version: Number(body['version']) };
    case 'delete':
      return body['deleted'] === true ? { type: 'done', version: 0 } : { type: 'not-done' };
    default:
      return { type: 'done', version: Number(body['version']) };
  }
}

function ask(agent: Agent, port: number, call: Call, key: string): Promise<HttpAnswer> {
  const query = `?key=${encodeURIComponent(key)}`;
  switch (call.kind) {
    case 'get':
      return send(agent, port, 'GET', `/get${query}`, null);
    case 'delete':
      return send(agent, port, 'DELETE', `/delete${query}`, null);
    case 'set':
      return send(agent, port, 'POST', '/set', { key, value: call.value });
    case 'cas':
      return send(agent, port, 'POST', '/set', { key, value: call.value, ifVersion: call.expected });
    case 'wipe':
      throw new Error('no client asks for that');
  }
}

/** One request over HTTP on loopback. Never rejects. */
export function send(
  agent: Agent,
  port: number,
  method: string,
  path: string,
  document: object | null,
): Promise<HttpAnswer> {
  return new Promise((resolve) => {
    const body = document === null ? null : JSON.stringify(document);
    const headers =
      body === null ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const outgoing = request({ host: '127.0.0.1', port, method, path, agent, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', (error) => resolve({ kind: 'lost', reason: error.message }));
      response.on('end', () => resolve(parsed(response.statusCode ?? 0, Buffer.concat(pieces).toString())));
    });
    outgoing.setTimeout(PATIENCE_MS, () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', (error) => {
      const isRefused = 'code' in error && error.code === 'ECONNREFUSED';
      resolve({ kind: isRefused ? 'refused' : 'lost', reason: error.message });
    });
    outgoing.end(body ?? undefined);
  });
}

function parsed(status: number, text: string): HttpAnswer {
  try {
    return { kind: 'answer', status, body: JSON.parse(text) as Record<string, unknown> };
  } catch {
    return { kind: 'lost', reason: `${status} with a body that is no JSON` };
  }
}
