/** Why a shard's data cannot be had, and where: for people. */
export class DataError extends Error {
  readonly path: string;
  /** In the file; null: it is about the whole of it, or about a folder. */
  readonly offset: number | null;

  constructor(path: string, offset: number | null, what: string, options?: ErrorOptions) {
    super(`${path}${offset === null ? '' : ` at byte ${offset}`}: ${what}`, options);
    this.name = 'DataError';
    this.path = path;
    this.offset = offset;
  }
}

/** What to do about data that is not whole. */
export const REPAIR = "'fluxcache repair' shows what is there, and what would be lost by going on without it";
