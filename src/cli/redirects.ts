import type { Reply } from '../protocol/resp/reply.ts';
import type { Connection } from './connection.ts';
import { addressText, type Target } from './target.ts';

/** More of them in a row are a cluster that does not agree with itself. */
export const REDIRECTS_MAX = 5;

/** Where a reply says that a command has to go. */
export interface Redirect {
  readonly slot: number;
  readonly target: Target;
  /** This once only, and announced by ASKING. */
  readonly isAsk: boolean;
}

/** What an error of a cluster's node says: `MOVED 3999 host:port`, or `ASK …`. Null for every other reply. */
export function redirectOf(reply: Reply, asked: Target): Redirect | null {
  const words = reply.kind === 'error' ? /^(MOVED|ASK) (\d{1,5}) (.*):(\d{1,5})$/.exec(reply.text) : null;
  if (words === null) return null;
  const [, kind, slot, host = '', port] = words;
  // No host stands for the one that was asked.
  const named = host === '' ? asked.host : host.replace(/^\[(.*)\]$/, '$1');
  return { slot: Number(slot), target: { ...asked, host: named, port: Number(port) }, isAsk: kind === 'ASK' };
}

/** A connection that follows redirects (`-c`): after one, commands go to the node it led to. */
export class FollowingConnection {
  #target: Target;
  #connection: Connection;
  readonly #open: (target: Target) => Promise<Connection>;
  readonly #onRedirect: (text: string) => void;

  constructor(
    target: Target,
    connection: Connection,
    open: (target: Target) => Promise<Connection>,
    onRedirect: (text: string) => void,
  ) {
    this.#target = target;
    this.#connection = connection;
    this.#open = open;
    this.#onRedirect = onRedirect;
  }

  get connection(): Connection {
    return this.#connection;
  }

  get target(): Target {
    return this.#target;
  }

  async request(words: readonly Uint8Array[]): Promise<Reply> {
    for (let redirects = 0; ; redirects++) {
      const reply = await this.#connection.request(words);
      const redirect = redirects < REDIRECTS_MAX ? redirectOf(reply, this.#target) : null;
      if (redirect === null) return reply;
      this.#onRedirect(`-> Redirected to slot [${redirect.slot}] located at ${addressText(redirect.target)}\n`);
      const connection = await this.#open(redirect.target);
      this.#connection.close();
      this.#connection = connection;
      this.#target = redirect.target;
      if (redirect.isAsk) await connection.request(['ASKING']);
    }
  }
}
