const KEY = 'fluxcache.authorization';

/**
 * Who the page is to the node. The credentials live in the tab (`sessionStorage`) and go to this node alone, in the
 * header of each request.
 */
export class Session {
  /** @type {string | null} */
  #authorization = sessionStorage.getItem(KEY);
  /** @type {Promise<void> | null} */
  #asking = null;
  /** @type {(wasRefused: boolean) => Promise<{name: string, password: string}>} */
  #ask;

  /** @param {(wasRefused: boolean) => Promise<{name: string, password: string}>} ask shows the form */
  constructor(ask) {
    this.#ask = ask;
  }

  get hasCredentials() {
    return this.#authorization !== null;
  }

  /** Forgets who it was; the page is to be loaded again. */
  leave() {
    sessionStorage.removeItem(KEY);
    this.#authorization = null;
  }

  /**
   * Asks the node, and the user for a name and a password as often as the node answers 401.
   *
   * @param {string} path
   * @param {RequestInit} [options]
   * @returns {Promise<Response>}
   */
  async fetch(path, options = {}) {
    for (;;) {
      const sent = this.#authorization;
      const headers = new Headers(options.headers);
      if (sent !== null) headers.set('Authorization', sent);
      // With `omit` the browser does not put its own form in front of ours.
      const response = await fetch(path, { ...options, headers, credentials: 'omit', cache: 'no-store' });
      if (response.status !== 401) return response;
      await response.body?.cancel();
      if (this.#authorization === sent) await this.#askOnce(sent !== null);
    }
  }

  /** @param {boolean} wasRefused */
  async #askOnce(wasRefused) {
    this.#asking ??= this.#ask(wasRefused).then(({ name, password }) => {
      const bytes = new TextEncoder().encode(`${name}:${password}`);
      // A token says itself whose it is.
      this.#authorization = name === '' ? `Bearer ${password}` : `Basic ${btoa(String.fromCodePoint(...bytes))}`;
      sessionStorage.setItem(KEY, this.#authorization);
      this.#asking = null;
    });
    await this.#asking;
  }
}
