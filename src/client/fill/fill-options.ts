import { FILL_MS_DEFAULT, FILL_MS_MAX } from '../../base/cache-limits.ts';
import type { CallOptions } from '../call.ts';
import type { Codec } from '../codec.ts';
import { FluxCacheError } from '../errors.ts';
import { namesOf, onlyKnown } from '../known-options.ts';
import type { SetOptions } from '../operations.ts';
import { tagsGiven } from '../tag-option.ts';
import type { Key, Value } from '../values.ts';

/** What a loader is told. */
export interface LoadContext {
  readonly key: Key;
  /** Aborted when nobody waits for the value any longer: its time is up, all callers gave up, or the client ended. */
  readonly signal: AbortSignal;
}

/** Gets a value from where it comes from. `undefined` is no value; `null` is. */
export type Loader<T> = (context: LoadContext) => T | Promise<T>;

/** How `getOrSet` stores what was loaded, and for how long it waits for whom. Times are milliseconds. */
export interface GetOrSetOptions<T = Value> {
  /** Until the value has to be loaded anew; without it the value stays until it is evicted, invalidated or deleted. */
  readonly ttl?: number | undefined;
  /** Behind that, for how long it is still given, while one caller has it loaded behind. */
  readonly stale?: number | undefined;
  /** A random part of up to so much is taken off the time to live. */
  readonly jitter?: number | undefined;
  /** For `invalidateTags`; a function is given the value that was loaded. */
  readonly tags?: readonly Key[] | ((value: T) => readonly Key[]) | undefined;
  /**
   * For how long a caller may load before another one may, in all processes: 1 to 60 000. Default: 10 000, or the
   * `loaderTimeoutMs` if that is more.
   */
  readonly fillMs?: number | undefined;
  /** For how long to wait while another process loads. Default: twice `fillMs`, so that one that died can be replaced. */
  readonly waitMs?: number | undefined;
  /** What to do after that: load without storing, or reject with `fill-timeout`. Default: `load`. */
  readonly onWaitTimeout?: 'load' | 'error' | undefined;
  /** For how long the loader may take before it is given up with `loader-timeout`. Default: `fillMs`. */
  readonly loaderTimeoutMs?: number | undefined;
  /** While the server cannot be asked: load without storing, or reject with what it failed of. Default: `load`. */
  readonly whenDown?: 'load' | 'error' | undefined;
  /** Of each request to the server, as of any call. Default: the client's `commandTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Gives this call up. The loader goes on for others who wait for the same value. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the client's. */
  readonly codec?: Codec<T> | undefined;
}

/** The options, filled in. Of calls for one key that share a load, those of the first count. */
export interface FillPlan {
  readonly set: Pick<SetOptions, 'ttl' | 'stale' | 'jitter'>;
  readonly tagsOf: (value: unknown) => readonly Key[];
  /** Undefined: the server's default. */
  readonly fillMs: number | undefined;
  readonly waitMs: number;
  readonly loaderTimeoutMs: number;
  readonly loadsAfterWait: boolean;
  readonly loadsWhenDown: boolean;
  /** Of each request to the server, all of which may be sent twice. */
  readonly call: CallOptions;
  readonly codec: Codec;
}

const TIME_MS_MAX = 2 ** 31 - 1;

const fillNames = namesOf<GetOrSetOptions>({
  ttl: true,
  stale: true,
  jitter: true,
  tags: true,
  fillMs: true,
  waitMs: true,
  onWaitTimeout: true,
  loaderTimeoutMs: true,
  whenDown: true,
  timeoutMs: true,
  signal: true,
  codec: true,
});

/**
 * Fills in the defaults.
 * @throws FluxCacheError `invalid-argument`, naming the option
 */
export function fillPlanOf<T>(given: GetOrSetOptions<T>, codec: Codec): FillPlan {
  onlyKnown(given, fillNames);
  const { ttl, stale, jitter, tags, timeoutMs } = given;
  if (typeof tags !== 'function') tagsGiven(tags);
  if (jitter !== undefined && jitter !== 0 && ttl === undefined) {
    throw new FluxCacheError('invalid-argument', 'Option jitter shortens the time to live: it needs ttl.');
  }
  checkCodec(given.codec);
  const loaderTimeoutMs = msOf('loaderTimeoutMs', given.loaderTimeoutMs, 1, TIME_MS_MAX);
  const chosenMs = msOf('fillMs', given.fillMs, 1, FILL_MS_MAX);
  const wantedMs = chosenMs ?? Math.min(FILL_MS_MAX, Math.max(FILL_MS_DEFAULT, loaderTimeoutMs ?? 0));
  return {
    set: {
      ttl: msOf('ttl', ttl, 1, Number.MAX_SAFE_INTEGER),
      stale: msOf('stale', stale, 0, Number.MAX_SAFE_INTEGER),
      jitter: msOf('jitter', jitter, 0, Number.MAX_SAFE_INTEGER),
    },
    // `T` is the caller's word for what the loader resolves to, which is what comes here.
    tagsOf: typeof tags === 'function' ? (value) => tags(value as T) : () => tags ?? [],
    fillMs: wantedMs === FILL_MS_DEFAULT ? undefined : wantedMs,
    waitMs: msOf('waitMs', given.waitMs, 0, TIME_MS_MAX) ?? 2 * wantedMs,
    loaderTimeoutMs: loaderTimeoutMs ?? wantedMs,
    loadsAfterWait: choice('onWaitTimeout', given.onWaitTimeout) === 'load',
    loadsWhenDown: choice('whenDown', given.whenDown) === 'load',
    call: { timeoutMs, retryable: true },
    codec: (given.codec as Codec | undefined) ?? codec,
  };
}

/** Looked at before anything is loaded, which could not be stored without it. */
function checkCodec(codec: { readonly encode?: unknown; readonly decode?: unknown } | undefined): void {
  if (codec === undefined || (typeof codec?.encode === 'function' && typeof codec?.decode === 'function')) return;
  throw new FluxCacheError('invalid-argument', 'Option codec must have the functions encode and decode.');
}

function choice(name: string, given: string | undefined): 'load' | 'error' {
  if (given === undefined || given === 'load') return 'load';
  if (given === 'error') return given;
  throw new FluxCacheError('invalid-argument', `Option ${name} must be load or error, not ${given}.`);
}

function msOf(name: string, given: number | undefined, min: number, max: number): number | undefined {
  if (given === undefined || (Number.isInteger(given) && given >= min && given <= max)) return given;
  throw new FluxCacheError(
    'invalid-argument',
    `Option ${name} must be whole milliseconds from ${min} to ${max}, not ${given}.`,
  );
}
