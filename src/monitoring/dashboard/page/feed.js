/** @import { FeedEvents } from '../feed.ts' */
/** @import { Session } from './session.js' */
import { refusal } from './api.js';
import { EventSourceParser } from './event-source-parser.js';

/**
 * @typedef {{kind: 'connecting'} | {kind: 'open'} | {kind: 'lost', reason: string, retryAtMs: number}} LinkState
 * How the page stands with the node.
 */

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;
/** A node that serves says something each second: this long without a word is a connection that is gone. */
const SILENCE_MS_MAX = 10_000;

/** What the node streams: keeps the last value of each event and tells those who listen. Connects again by itself. */
export class Feed {
  /** @type {Map<string, Set<(value: never) => void>>} */
  #listeners = new Map();
  /** @type {Map<string, unknown>} */
  #last = new Map();
  /** @type {Set<(state: LinkState) => void>} */
  #stateListeners = new Set();
  /** @type {LinkState} */
  #state = { kind: 'connecting' };
  /** @type {Session} */
  #session;
  /** @type {(() => void) | null} */
  #wake = null;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  /** @returns {LinkState} */
  get state() {
    return this.#state;
  }

  /**
   * Calls the listener with each value, and at once with the last one if there was one.
   *
   * @template {keyof FeedEvents} Name
   * @param {Name} name
   * @param {(value: FeedEvents[Name]) => void} listener
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    const last = this.last(name);
    if (last !== undefined) listener(last);
  }

  /**
   * @template {keyof FeedEvents} Name
   * @param {Name} name
   * @returns {FeedEvents[Name] | undefined} what came last
   */
  last(name) {
    return /** @type {FeedEvents[Name] | undefined} */ (this.#last.get(name));
  }

  /** @param {(state: LinkState) => void} listener called at once and at each change */
  onState(listener) {
    this.#stateListeners.add(listener);
    listener(this.#state);
  }

  /** Reads the stream for as long as the page lives. */
  async run() {
    addEventListener('online', () => this.#wake?.());
    let delayMs = RETRY_MS_MIN;
    for (;;) {
      let reason = 'the connection ended';
      try {
        const hadEvents = await this.#read();
        if (hadEvents) delayMs = RETRY_MS_MIN;
      } catch (error) {
        if (this.#state.kind === 'open') delayMs = RETRY_MS_MIN;
        reason = reasonOf(error);
      }
      const waitMs = delayMs * (0.75 + Math.random() / 2);
      this.#setState({ kind: 'lost', reason, retryAtMs: Date.now() + waitMs });
      await this.#wait(waitMs);
      delayMs = Math.min(delayMs * 2, RETRY_MS_MAX);
    }
  }

  /** Tries again now. */
  retry() {
    this.#wake?.();
  }

  async #read() {
    const abort = new AbortController();
    const response = await this.#session.fetch('/v1/dashboard', {
      headers: { Accept: 'text/event-stream' },
      signal: abort.signal,
    });
    if (!response.ok || response.body === null) throw await refusal(response);
    let hadEvents = false;
    const parser = new EventSourceParser((name, data) => {
      hadEvents = true;
      this.#take(name, JSON.parse(data));
    });
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    let timer = 0;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(new Error('the node says nothing')), SILENCE_MS_MAX);
    };
    try {
      for (;;) {
        watch();
        const { done, value } = await reader.read();
        if (done) return hadEvents;
        parser.push(decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(timer);
      // Whatever went wrong, the stream that is left is closed.
      abort.abort();
    }
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  #take(name, value) {
    if (this.#state.kind !== 'open') this.#setState({ kind: 'open' });
    this.#last.set(name, value);
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        /** @type {(value: unknown) => void} */ (listener)(value);
      } catch (error) {
        // One panel that fails leaves the others running.
        reportError(error);
      }
    }
  }

  /** @param {LinkState} state */
  #setState(state) {
    this.#state = state;
    for (const listener of this.#stateListeners) listener(state);
  }

  /** @param {number} ms */
  async #wait(ms) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
    this.#wake = null;
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  // What browsers say of a connection that failed differs, and says nothing to people.
  if (error instanceof TypeError) return 'the node does not answer';
  return error instanceof Error ? error.message : String(error);
}
