import type { FeedEvents } from '../src/monitoring/dashboard/feed.ts';

/** What a node streams to its dashboard: the last of each event. */
export class DashboardReader {
  #last: Partial<FeedEvents> = {};
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #error: unknown = null;

  constructor(url: string) {
    this.#done = this.#read(`${url}/v1/dashboard`).catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#error = error;
    });
  }

  last<Name extends keyof FeedEvents>(name: Name): FeedEvents[Name] | null {
    return this.#last[name] ?? null;
  }

  /** Resolves to what the check answers, once that is not null. */
  async until<Value>(what: string, check: () => Value | null, limitMs = 60_000): Promise<Value> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      const value = check();
      if (value !== null) return value;
      if (this.#error !== null) throw this.#error;
      if (performance.now() > endMs) {
        const { health, failovers, happenings } = this.#last;
        throw new Error(`not within ${limitMs} ms: ${what}; ${JSON.stringify({ health, failovers, happenings })}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  async #read(url: string): Promise<void> {
    const response = await fetch(url, { signal: this.#abort.signal });
    if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
    const decoder = new TextDecoder();
    let text = '';
    for await (const bytes of response.body) {
      text += decoder.decode(bytes, { stream: true });
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) this.#take(event);
    }
  }

  #take(event: string): void {
    const name = /^event: (.*)$/m.exec(event)?.[1];
    const data = /^data: (.*)$/m.exec(event)?.[1];
    if (name !== undefined && data !== undefined) this.#last = { ...this.#last, [name]: JSON.parse(data) };
  }
}
