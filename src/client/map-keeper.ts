import { backoffMs } from './backoff.ts';
import type { FluxCacheError } from './errors.ts';
import { MapLoader, type MapSource } from './map-loader.ts';
import { SlotMap } from './slot-map.ts';

export interface MapObserver {
  /** Nodes to ask, the likeliest first. */
  sources(): readonly MapSource[];
  /** Answers whether the map says something new. */
  onMap(map: SlotMap): boolean;
  /** Nobody has told the map. Answers whether to go on asking. */
  onNoMap(error: FluxCacheError): boolean;
}

/** How long a map is believed in without a reason to doubt it. */
const REFRESH_MS = 30_000;
/** Between two requests for the map, when the first brought nothing new. */
const BACKOFF = { delayMsFirst: 25, delayMsMax: 250 };
/** And when it did. */
const PAUSE_MS = 10;

/** Decides when the map is asked for: when somebody doubts it, sooner or later by how often that was in vain, and now and then. */
export class MapKeeper {
  readonly #observer: MapObserver;
  #loader: MapLoader | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** Somebody waits for the timer, or for the end of the request under way, to ask for it anew. */
  #isAsked = false;
  /** Requests in a row that failed or brought nothing new. */
  #vain = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(observer: MapObserver) {
    this.#observer = observer;
  }

  /** The map may be wrong. `isNews`: it certainly is, so that asking is not in vain. */
  refresh(isNews = false): void {
    if (this.#isStopped) return;
    const idleMs = performance.now() - this.#lastMs;
    if (isNews || idleMs > 2 * BACKOFF.delayMsMax) this.#vain = 0;
    if (this.#isAsked) return;
    this.#isAsked = true;
    if (this.#loader !== null) return;
    const pauseMs = this.#vain === 0 ? PAUSE_MS : backoffMs(this.#vain, BACKOFF, Math.random());
    if (idleMs >= pauseMs) this.#load();
    else this.#loadAfter(pauseMs - idleMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#loader?.stop();
    this.#loader = null;
    clearTimeout(this.#timer);
  }

  #loadAfter(delayMs: number): NodeJS.Timeout {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), delayMs);
    return this.#timer;
  }

  #load(): void {
    clearTimeout(this.#timer);
    this.#isAsked = false;
    this.#loader = new MapLoader(this.#observer.sources(), (outcome) => this.#loaded(outcome));
    this.#loader.start();
  }

  #loaded(outcome: SlotMap | FluxCacheError): void {
    this.#loader = null;
    this.#lastMs = performance.now();
    const isMap = outcome instanceof SlotMap;
    const isNew = isMap && this.#observer.onMap(outcome);
    this.#vain = isNew ? 0 : this.#vain + 1;
    const isWanted = isMap ? this.#isAsked : this.#observer.onNoMap(outcome);
    this.#isAsked = false;
    if (isWanted) this.refresh();
    // The connections keep the process alive, for as long as there are any.
    else if (isMap && !this.#isStopped) this.#loadAfter(REFRESH_MS).unref();
  }
}
