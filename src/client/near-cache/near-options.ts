import { namesOf } from '../known-options.ts';

/** What a client keeps of what it has read, so that it need not ask again. */
export interface NearCacheOptions {
  /** Keys kept, absent ones included. Default: 10 000. */
  readonly entriesMax?: number;
  /** Memory of all of them, estimated from above. Default: 64 MiB. */
  readonly bytesMax?: number;
  /** Milliseconds that anything is kept, however long the server would. Default: 60 000. */
  readonly ttlMax?: number;
  /**
   * Milliseconds for which a server may be silent while what was read from it is answered. However a connection is lost,
   * nothing is answered that was changed longer ago than this. Default: 2000.
   */
  readonly silenceMax?: number;
}

export type NearCacheLimits = Required<NearCacheOptions>;

export const nearCacheNames = namesOf<NearCacheOptions>({
  entriesMax: true,
  bytesMax: true,
  ttlMax: true,
  silenceMax: true,
});

export const nearCacheDefaults: NearCacheLimits = {
  entriesMax: 10_000,
  bytesMax: 64 * 2 ** 20,
  ttlMax: 60_000,
  silenceMax: 2000,
};
