import type { CallOptions } from '../src/client/call.ts';
import { ReplyError } from '../src/client/errors.ts';
import type { FillPort } from '../src/client/fill/fill-port.ts';
import { nameOfKey } from '../src/client/key-name.ts';
import type { Operation } from '../src/client/operation.ts';
import type { Key } from '../src/client/values.ts';

interface FakeEntry {
  /** Undefined: a key that is missing and being filled. */
  value: unknown;
  isStale: boolean;
  token: string | null;
  /** By the clock of invalidations. */
  tokenSince?: number;
  tags?: readonly Key[];
}

/** What a server does for those who fill, in memory. Each request and each answer takes turns of the event loop to arrive. */
export class FakeFillServer implements FillPort {
  readonly entries = new Map<string, FakeEntry>();
  /** Methods in the order they were asked for. */
  readonly asked: string[] = [];
  readonly told: { readonly during: string; readonly error: unknown }[] = [];
  /** Thrown in place of an answer, by method. */
  readonly faults = new Map<string, Error>();
  /** Called when a method is asked for, before it is done. */
  onAsked: (method: string) => void = () => undefined;
  /** Turns that the next request takes to arrive, or the next answer. */
  turnsOfRequest: () => number = () => 1;
  turnsOfAnswer: () => number = () => 0;
  /** Left on a token that somebody else has. */
  tokenMs = 10_000;
  readonly #invalidated = new Map<Key, number>();
  /** Counts invalidations. */
  #clock = 0;
  #tokens = 0;
  #running = 0;

  /** Whether there are requests that are not answered. */
  get isBusy(): boolean {
    return this.#running > 0;
  }

  run<T>(operation: Operation<T>, _options: CallOptions): Promise<T> {
    this.#running++;
    return this.#run(operation).finally(() => {
      this.#running--;
    });
  }

  async #run<T>({ method, params, decode }: Operation<T>): Promise<T> {
    this.asked.push(method);
    await turns(this.turnsOfRequest());
    this.onAsked(method);
    const fault = this.faults.get(method);
    if (fault !== undefined) throw fault;
    const answer = this.#tried(method, params);
    await turns(this.turnsOfAnswer());
    if (answer instanceof ReplyError) throw answer;
    return decode(answer);
  }

  placeOf(): string {
    return 'here';
  }

  tell(event: { readonly during: string; readonly error: unknown }): void {
    this.told.push(event);
  }

  /** What another client does. */
  put(key: Key, value: unknown, isStale = false): void {
    this.entries.set(nameOfKey(key), { value, isStale, token: null });
  }

  /** Another client gets the token. */
  take(key: Key): string {
    const entry = this.entries.get(nameOfKey(key)) ?? { value: undefined, isStale: false, token: null };
    this.entries.set(nameOfKey(key), entry);
    entry.token = this.#newToken();
    entry.tokenSince = this.#clock;
    return entry.token;
  }

  asksFor(method: string): number {
    return this.asked.filter((one) => one === method).length;
  }

  /** Also of what is refused the answer takes its time. */
  #tried(method: string, params: readonly unknown[]): unknown {
    try {
      return this.#answer(method, params);
    } catch (error) {
      return error;
    }
  }

  #answer(method: string, params: readonly unknown[]): unknown {
    const name = nameOfKey(params[0] as Key);
    const entry = this.entries.get(name);
    if (method === 'getfill') {
      if (entry?.value !== undefined && !entry.isStale) return ['hit', entry.value, null, -1];
      const state = entry?.value === undefined ? 'miss' : 'stale';
      const value = entry?.value ?? null;
      if (entry !== undefined && entry.token !== null) return [state, value, null, this.tokenMs];
      const token = this.#newToken();
      this.entries.set(name, { value: entry?.value, isStale: entry?.isStale ?? false, token, tokenSince: this.#clock });
      return [state, value, token, this.tokenMs];
    }
    if (method === 'cancelfill') {
      if (entry === undefined || entry.token !== params[1]) return 0;
      if (entry.value === undefined) this.entries.delete(name);
      else entry.token = null;
      return 1;
    }
    if (method === 'del') return Number(this.entries.delete(name));
    if (method === 'invalidate') return this.#invalidate(params[1] as Key);
    const token = params[params.indexOf('FILL') + 1];
    if (entry === undefined || entry.token !== token) throw new ReplyError('fill-lost', 'somebody was faster');
    const tags = params[2] === 'TAGS' ? (params.slice(4, 4 + Number(params[3])) as Key[]) : [];
    const since = entry.tokenSince ?? 0;
    // The token stands: whoever has it may load again, or give it back.
    if (tags.some((tag) => (this.#invalidated.get(tag) ?? 0) > since)) throw new ReplyError('fill-lost', 'invalidated');
    this.entries.set(name, { value: params[1], isStale: false, token: null, tags });
    return 'OK';
  }

  #invalidate(tag: Key): number {
    this.#invalidated.set(tag, ++this.#clock);
    for (const [name, entry] of this.entries) {
      if (entry.value === undefined || !entry.tags?.includes(tag)) continue;
      if (entry.token === null) this.entries.delete(name);
      else entry.value = undefined;
    }
    return 1;
  }

  #newToken(): string {
    return (++this.#tokens).toString(16).padStart(12, '0');
  }
}

/** Lets so many turns of the event loop pass. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
