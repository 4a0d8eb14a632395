/** @import { KeyName } from '../feed.ts' */
/** @import { Api } from './api.js' */
import { refusal } from './api.js';
import { keyOfListed, keyPath } from './key-text.js';

/** More of a value is not fetched: it would be of no use on a screen. */
export const shownBytesMax = 256 * 1024;

/**
 * @typedef {object} KeyFacts What is listed of a key; null: not known, or the user may not know.
 * @property {string | null} type
 * @property {number | null} ttlMs null: it does not expire
 * @property {number | null} memoryBytes
 */

/**
 * @typedef {object} Entry A key with its value.
 * @property {KeyName} name
 * @property {string} contentType
 * @property {string} etag
 * @property {Uint8Array} bytes the value, or its beginning
 * @property {number} valueBytes
 * @property {number | null} expiresAtMs by the page's clock; null: it does not expire
 * @property {KeyFacts} facts
 */

/** Reads and writes keys through the node's HTTP interface, as the user of the page. Refusals are thrown. */
export class KeyStore {
  /** @type {Api} */
  #api;

  /** @param {Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * A page of the keys of a pattern.
   *
   * @param {string} pattern '' for all
   * @param {string} cursor '' to begin
   * @param {number} count how many keys to look at
   * @param {AbortSignal} signal
   * @returns {Promise<{keys: KeyName[], cursor: string | null}>}
   */
  async list(pattern, cursor, count, signal) {
    const query = new URLSearchParams({ count: String(count) });
    if (pattern !== '') query.set('match', pattern);
    if (cursor !== '') query.set('cursor', cursor);
    const page = await this.#api.json(`/v1/keys?${query}`, { signal });
    const { keys, cursor: next } = /** @type {{keys: (string | {base64: string})[], cursor: string | null}} */ (page);
    return { keys: keys.map(keyOfListed), cursor: next };
  }

  /**
   * Type, time to live and memory of keys, in their order; null for those that are not there. Commands are JSON, which
   * cannot hold a key that is no text: of those nothing is known.
   *
   * @param {readonly KeyName[]} names
   * @param {AbortSignal} [signal]
   * @returns {Promise<(KeyFacts | null)[]>}
   */
  async describe(names, signal) {
    const texts = names.filter(isText);
    const answers = await this.#pipeline(
      texts.flatMap(({ key }) => [
        ['TYPE', key],
        ['PTTL', key],
        ['MEMORY', 'USAGE', key],
      ]),
      signal,
    );
    let at = 0;
    return names.map((name) => {
      if (!isText(name)) return { type: null, ttlMs: null, memoryBytes: null };
      const [type, ttlMs, memoryBytes] = answers.slice(at, at + 3);
      at += 3;
      if (type === 'none') return null;
      return {
        type: typeof type === 'string' ? (typeNames[type] ?? type) : null,
        ttlMs: typeof ttlMs === 'number' && ttlMs >= 0 ? ttlMs : null,
        memoryBytes: typeof memoryBytes === 'number' ? memoryBytes : null,
      };
    });
  }

  /**
   * @param {KeyName} name
   * @param {AbortSignal} [signal]
   * @returns {Promise<Entry | null>} null: there is no such key
   */
  async read(name, signal) {
    const [response, [facts = null]] = await Promise.all([
      this.#api.fetch(pathOf(name), signal === undefined ? {} : { signal }),
      this.describe([name], signal),
    ]);
    if (response.status === 404) {
      await response.body?.cancel();
      return null;
    }
    if (!response.ok) throw await refusal(response);
    const bytes = await beginningOf(response);
    const ttlMs = facts?.ttlMs ?? ttlOfHeader(response.headers.get('Cache-Control') ?? '');
    return {
      name,
      contentType: response.headers.get('Content-Type') ?? '',
      etag: response.headers.get('ETag') ?? '',
      bytes,
      valueBytes: Number(response.headers.get('Content-Length') ?? bytes.length),
      expiresAtMs: ttlMs === null ? null : Date.now() + ttlMs,
      facts: facts ?? { type: null, ttlMs, memoryBytes: null },
    };
  }

  /**
   * Writes a value. `etag`: only if the key still is what it was; null: only if there is no such key.
   *
   * @param {KeyName} name
   * @param {Uint8Array} bytes
   * @param {{etag: string | null, contentType: string, expiresAtMs: number | null}} how
   * @returns {Promise<'done' | 'changed'>} `changed`: somebody else was faster; nothing was written
   */
  async write(name, bytes, { etag, contentType, expiresAtMs }) {
    /** @type {Record<string, string>} */
    const headers = etag === null ? { 'If-None-Match': '*' } : { 'If-Match': etag };
    if (contentType !== '') headers['Content-Type'] = contentType;
    const ttlMs = expiresAtMs === null ? null : Math.max(1, expiresAtMs - Date.now());
    const query = ttlMs === null ? '' : `?ttl=${ttlMs / 1000}`;
    // A body of bytes, as one of text would be given a Content-Type by the browser.
    const body = new Uint8Array(bytes);
    return this.#change(`${pathOf(name)}${query}`, { method: 'PUT', headers, body });
  }

  /**
   * When an entry expires as of now: writing its value leaves it without that, and others may have set it anew.
   *
   * @param {Entry} entry
   */
  async expiryOf({ name, expiresAtMs }) {
    if (!isText(name)) return expiresAtMs;
    const [facts] = await this.describe([name]);
    return facts?.ttlMs === undefined || facts.ttlMs === null ? null : Date.now() + facts.ttlMs;
  }

  /**
   * @param {KeyName} name
   * @param {string} etag
   */
  remove(name, etag) {
    return this.#change(pathOf(name), { method: 'DELETE', headers: { 'If-Match': etag } });
  }

  /**
   * Gives an entry another time to live. Where its key is no text, its value is written again, which must be whole.
   *
   * @param {Entry} entry
   * @param {number | null} expiresAtMs null: it is not to expire
   * @returns {Promise<'done' | 'changed'>}
   */
  async setExpiry(entry, expiresAtMs) {
    const { name, bytes, etag, contentType } = entry;
    if (!isText(name)) return this.write(name, bytes, { etag, contentType, expiresAtMs });
    const ms = expiresAtMs === null ? 0 : Math.max(1, Math.round(expiresAtMs - Date.now()));
    const [answer] = await this.#pipeline([
      expiresAtMs === null ? ['PERSIST', name.key] : ['PEXPIRE', name.key, String(ms)],
    ]);
    if (answer instanceof Error) throw answer;
    return answer === 1 || expiresAtMs === null ? 'done' : 'changed';
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   * @returns {Promise<'done' | 'changed'>}
   */
  async #change(path, options) {
    const response = await this.#api.fetch(path, options);
    if (response.status === 412 || response.status === 404) {
      await response.body?.cancel();
      return 'changed';
    }
    if (!response.ok) throw await refusal(response);
    await response.body?.cancel();
    return 'done';
  }

  /**
   * Runs commands and gives their results in their order; what failed is an Error.
   *
   * @param {readonly (readonly string[])[]} commands
   * @param {AbortSignal} [signal]
   * @returns {Promise<unknown[]>}
   */
  async #pipeline(commands, signal) {
    if (commands.length === 0) return [];
    const options = { method: 'POST', body: JSON.stringify(commands), headers: { 'Content-Type': 'application/json' } };
    const answers = await this.#api.json('/pipeline', signal === undefined ? options : { ...options, signal });
    return /** @type {({result: unknown} | {error: string})[]} */ (answers).map((answer) =>
      'error' in answer ? new Error(answer.error) : answer.result,
    );
  }
}

/** @type {Readonly<Record<string, string>>} */
const typeNames = { 'ReJSON-RL': 'json' };

/**
 * Whether a command can name a key.
 *
 * @param {KeyName} name
 */
export function isText({ key64, shortened }) {
  return key64 === undefined && shortened !== true;
}

/** @param {KeyName} name */
function pathOf(name) {
  const path = keyPath(name);
  if (path === null) throw new Error('No address can name this key; use the command line.');
  return path;
}

/** @param {string} cacheControl */
function ttlOfHeader(cacheControl) {
  const seconds = /max-age=(\d+)/.exec(cacheControl)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

/** @param {Response} response */
async function beginningOf(response) {
  const parts = [];
  let length = 0;
  const reader = response.body?.getReader();
  while (reader !== undefined && length < shownBytesMax) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
  }
  // What is left is not wanted.
  await reader?.cancel();
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes.subarray(0, shownBytesMax);
}
