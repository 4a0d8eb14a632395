/** The engine of `FluxCache.embedded()`. Sizes are bytes, or text such as `64mb`. */
export interface EngineOptions {
  /** Memory for entries, their index and all that belongs to them. Default: 64 MiB; at least 16 MiB. */
  readonly maxMemory?: number | string | undefined;
  /** What leaves when memory is full: as the server's option. Default: `flux`. */
  readonly eviction?: 'flux' | 'noeviction' | 'volatile-ttl' | undefined;
  /** Threads, each with its own part of the keys. Default: 1. */
  readonly shards?: number | undefined;
  /** The longest key and the largest value that are taken. Defaults: the server's. */
  readonly maxKey?: number | string | undefined;
  readonly maxValue?: number | string | undefined;
  /** Which changes of keys are published, as Redis's `notify-keyspace-events`. Default: none. */
  readonly notifyKeyspaceEvents?: string | undefined;
  /** Where the engine's warnings and errors go. Default: `console.error`. */
  readonly log?: ((level: 'warn' | 'error', message: string, fields: object) => void) | undefined;
}
