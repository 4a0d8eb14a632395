/** @import { Session } from './session.js' */

/** The node refused a request: `status` and `code` are its, the message is for people. */
export class ApiError extends Error {
  /** @override */
  name = 'ApiError';

  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The node's HTTP interface, as the user of the page. */
export class Api {
  /** @type {Session} */
  #session;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  /**
   * The answer as it came, with any status; asks for credentials when the node wants some.
   *
   * @param {string} path
   * @param {RequestInit} [options]
   */
  fetch(path, options = {}) {
    return this.#session.fetch(path, options);
  }

  /**
   * The answer as JSON. Throws an ApiError when it is refused.
   *
   * @param {string} path
   * @param {RequestInit} [options]
   * @returns {Promise<unknown>}
   */
  async json(path, options = {}) {
    const response = await this.fetch(path, options);
    if (!response.ok) throw await refusal(response);
    return response.json();
  }
}

/**
 * What a refusal says (`application/problem+json`).
 *
 * @param {Response} response
 */
export async function refusal(response) {
  const text = await response.text();
  let code = '';
  let detail = '';
  try {
    const problem = /** @type {{error?: unknown, title?: unknown, detail?: unknown}} */ (JSON.parse(text));
    code = typeof problem.error === 'string' ? problem.error : '';
    detail = [problem.detail, problem.title].find((part) => typeof part === 'string') ?? '';
  } catch {
    // Not from the node itself, maybe from a proxy before it: the status has to do.
  }
  return new ApiError(response.status, code, detail === '' ? `the node answers ${response.status}` : detail);
}
