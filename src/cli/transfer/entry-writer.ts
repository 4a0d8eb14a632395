import type { Reply } from '../../protocol/resp/reply.ts';
import type { RequestWord } from '../../protocol/resp/request-encoder.ts';
import type { Entry } from './entry.ts';
import type { ServerLink } from './server-link.ts';

/** What became of an entry: 'refused' comes with the server's error. */
export type Outcome = 'written' | 'existing' | 'expired' | { readonly refused: string };

/** How long a time to live of a live server's key is counted: from when it was read, or by the clock. */
export type Clock = 'as-read' | 'absolute';

/** Writes entries to a server, many with one write. */
export class EntryWriter {
  readonly #link: ServerLink;
  readonly #onlyNew: boolean;
  readonly #clock: Clock;

  /** `as-read`: what is left to live is told to the server, so that its clock may differ from the one here. */
  constructor(link: ServerLink, { onlyNew, clock }: { onlyNew: boolean; clock: Clock }) {
    this.#link = link;
    this.#onlyNew = onlyNew;
    this.#clock = clock;
  }

  /** Throws when the server was away for too long; then nobody knows what of these was written. */
  async write(entries: readonly Entry[]): Promise<Outcome[]> {
    const nowMs = Date.now();
    const alive = entries.filter((entry) => !isExpired(entry, nowMs));
    const commands = alive.map((entry) => this.#words(entry, nowMs));
    const replies = commands.length === 0 ? [] : await this.#link.exchange(commands, !this.#onlyNew);
    let at = 0;
    return entries.map((entry) => (isExpired(entry, nowMs) ? 'expired' : outcomeOf(replies[at++] as Reply)));
  }

  #words({ key, value, type, expiresAtMs, staleMs, tags, contentType }: Entry, nowMs: number): RequestWord[] {
    const words: RequestWord[] = ['SET', key, value];
    if (this.#onlyNew) words.push('NX');
    if (expiresAtMs > 0) {
      if (this.#clock === 'absolute') words.push('PXAT', expiresAtMs);
      else words.push('PX', expiresAtMs - nowMs);
    }
    // Behind EX, PX and their like it is in their unit, without them in seconds.
    if (staleMs > 0) words.push('STALE', expiresAtMs > 0 ? staleMs : Math.ceil(staleMs / 1000));
    if (tags.length > 0) words.push('TAGS', tags.length, ...tags);
    if (type !== 'string') words.push('TYPE', type);
    if (contentType !== '') words.push('CT', contentType);
    return words;
  }
}

export function isExpired({ expiresAtMs }: Entry, nowMs: number): boolean {
  return expiresAtMs > 0 && expiresAtMs <= nowMs;
}

function outcomeOf(reply: Reply): Outcome {
  if (reply.kind === 'error') return { refused: reply.text };
  return reply.kind === 'null' ? 'existing' : 'written';
}
