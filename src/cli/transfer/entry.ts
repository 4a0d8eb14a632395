/** What a value is, as SET … TYPE names it. */
export const entryTypes = ['string', 'bytes', 'number', 'json'] as const;
export type EntryType = (typeof entryTypes)[number];

/** A key and all that is stored with it. */
export interface Entry {
  readonly key: Uint8Array;
  /** Of a document its text, of a number its digits. */
  readonly value: Uint8Array;
  readonly type: EntryType;
  /** Milliseconds since the Unix epoch; 0: it does not expire. */
  readonly expiresAtMs: number;
  /** For how long behind its expiry it is served to those who take stale values; 0: not at all. */
  readonly staleMs: number;
  readonly tags: readonly Uint8Array[];
  /** '' for none. */
  readonly contentType: string;
}

/** What a source has next: an entry, or something that is none and is told of. */
export type Item =
  /** `place`: the line or the entry it is in its file, from 1; of a server's, 0. */
  | { readonly kind: 'entry'; readonly place: number; readonly entry: Entry }
  | { readonly kind: 'fault'; readonly place: number; readonly what: string }
  /** A key that cannot be brought over; what is of one `reason` is counted together. */
  | { readonly kind: 'left-out'; readonly key: Uint8Array; readonly reason: string };

/** Input of which nothing can be understood any more, or a source that is not as it must be; a whole sentence. */
export class BrokenSourceError extends Error {
  override readonly name = 'BrokenSourceError';
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as text; null when they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}
