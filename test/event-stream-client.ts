import { setTimeout as sleep } from 'node:timers/promises';

export interface StreamedEvent {
  readonly name: string;
  readonly data: string;
}

const DUE_MS = 20_000;

/** Reads server-sent events as they come, for tests. Ends with the test's own signal, or when the server ends it. */
export class EventStreamClient {
  readonly response: Response;
  readonly events: StreamedEvent[] = [];
  /** Resolves when the server has ended the stream, or the connection. */
  readonly ended: Promise<void>;
  readonly #abort: AbortController;

  private constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    this.ended = this.#read();
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStreamClient> {
    const abort = new AbortController();
    return new EventStreamClient(await fetch(url, { headers, signal: abort.signal }), abort);
  }

  /** The data of the first event of a name that `fits`, once it has come. */
  async first<Data>(name: string, fits: (data: Data) => boolean = () => true): Promise<Data> {
    const dueMs = performance.now() + DUE_MS;
    while (performance.now() < dueMs) {
      for (const event of this.events) {
        if (event.name !== name) continue;
        const data = JSON.parse(event.data) as Data;
        if (fits(data)) return data;
      }
      await sleep(10);
    }
    throw new Error(`no such event ${name} among ${this.events.map((event) => event.name).join()}`);
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        const frames = text.split('\n\n');
        text = frames.pop() ?? '';
        for (const frame of frames) this.#take(frame);
      }
    } catch {
      // Ended by either side.
    }
  }

  #take(frame: string): void {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? [];
    if (name !== undefined && data !== undefined) this.events.push({ name, data });
  }
}
