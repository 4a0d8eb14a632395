import { unwatchAbort, watchAbort } from '../abort-watch.ts';
import { backoffMs } from '../backoff.ts';
import { plainCodec } from '../codec.ts';
import { AbortError, LoadError, ReplyError } from '../errors.ts';
import type { Key, Value } from '../values.ts';
import { type FillAnswer, fillOperations } from './fill-operations.ts';
import type { FillPlan, Loader } from './fill-options.ts';
import { type FillPort, isAway, type Outcome } from './fill-port.ts';
import { Filling } from './filling.ts';
import { type Loading, loadOnce } from './load-once.ts';
import type { Outage } from './outage.ts';

/** Between two looks whether another process has filled. */
const LOOKS = { delayMsFirst: 5, delayMsMax: 50 };

/** What the flights of a client share. */
export interface FlightOwner {
  readonly port: FillPort;
  readonly outage: Outage;
  /** It has its outcome. */
  ended(flight: Flight): void;
  /** Has the value of a key loaded anew that was given stale. */
  revalidate(key: Key, loader: Loader<unknown>, plan: FillPlan, token: string): void;
}

/**
 * One `getOrSet` of a key and of all who joined it:
 *
 *     asking -> done       there is a value, fresh or stale
 *     asking -> loading    the server gave the token, or is away
 *     asking -> pausing    somebody else has the token
 *     pausing -> asking    after a pause that grows; or `loading`, without a token, when there is no time left
 *     loading -> done
 */
export class Flight {
  readonly name: string;
  readonly moment: number;
  readonly outcome: Promise<Outcome>;
  readonly #owner: FlightOwner;
  readonly #key: Key;
  readonly #loader: Loader<unknown>;
  readonly #plan: FillPlan;
  #state: 'asking' | 'pausing' | 'loading' | 'done' = 'asking';
  #waiting = 0;
  /** Why nobody waits any longer. */
  #abandoned: { readonly reason: unknown } | null = null;
  #work: Filling | Loading | null = null;
  #endPause: (() => void) | null = null;

  /** @param name of the key, and when it began, for whoever keeps flights */
  constructor(owner: FlightOwner, name: string, key: Key, loader: Loader<unknown>, plan: FillPlan, moment: number) {
    this.#owner = owner;
    this.name = name;
    this.moment = moment;
    this.#key = key;
    this.#loader = loader;
    this.#plan = plan;
    this.outcome = this.#run();
    // Of a flight that all have left.
    this.outcome.catch(ignore);
  }

  /**
   * Whether somebody who asks only now may be given the outcome, unless his own client has overtaken it. While the server is
   * asked he may not: what it says may be older than what he knows of. Of the value of a loader that has a token the server
   * says whether others overtook it up to when it was stored; while its answer is on the way he may not either.
   */
  get isOpen(): boolean {
    return !this.isOver && (this.#state === 'pausing' || this.isLoading);
  }

  /** It has its outcome, or nobody waits for one. */
  get isOver(): boolean {
    return this.#state === 'done' || this.#abandoned !== null;
  }

  /** Up to when what was loaded is sent to be stored. */
  get isLoading(): boolean {
    return this.#state === 'loading' && !(this.#work instanceof Filling && this.#work.isStoring);
  }

  /** Waits for the outcome until the signal is aborted. The last one to leave ends the flight. */
  join(signal: AbortSignal | undefined): Promise<Outcome> {
    this.#waiting++;
    if (signal === undefined) return this.outcome;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        const error = new AbortError({ cause: signal.reason });
        if (--this.#waiting === 0) this.abandon(error);
        reject(error);
      };
      watchAbort(signal, onAbort);
      this.outcome.then(resolve, reject).finally(() => unwatchAbort(signal, onAbort));
    });
  }

  /** Ends it: whoever still waits is told the reason, the loader is told to stop, and a token is given back. */
  abandon(reason: unknown): void {
    this.#abandoned ??= { reason };
    this.#work?.abort(reason);
    this.#endPause?.();
  }

  async #run(): Promise<Outcome> {
    try {
      return await this.#fly();
    } finally {
      this.#state = 'done';
      this.#owner.ended(this);
    }
  }

  async #fly(): Promise<Outcome> {
    const { waitMs, loadsAfterWait, loadsWhenDown } = this.#plan;
    const beganMs = performance.now();
    const place = this.#owner.port.placeOf(this.#key);
    for (let looks = 1; ; looks++) {
      if (loadsWhenDown && !this.#owner.outage.mayAsk(place, performance.now())) return this.#loadOnly();
      let found: FillAnswer;
      this.#state = 'asking';
      try {
        found = await this.#ask();
      } catch (error) {
        this.#checkAbandoned();
        if (!loadsWhenDown || !isAway(error)) throw error;
        this.#tellAway(error, place);
        return this.#loadOnly();
      }
      this.#owner.outage.answered(place);
      if (this.#abandoned !== null) this.#giveBack(found);
      this.#checkAbandoned();
      if (found.state !== 'miss') return this.#take(found);
      if (found.token !== null) return this.#fill(found.token);
      const leftMs = beganMs + waitMs - performance.now();
      if (leftMs <= 0) {
        if (loadsAfterWait) return this.#loadOnly();
        throw new LoadError('fill-timeout', `Nobody filled the key within ${waitMs} ms.`, { retryable: true });
      }
      // No longer than the other one's token is valid.
      await this.#pause(Math.min(backoffMs(looks, LOOKS, Math.random()), leftMs, Math.max(found.ms, 1)));
    }
  }

  #ask(): Promise<FillAnswer> {
    const { fillMs, call } = this.#plan;
    return this.#owner.port.run(fillOperations.getFill(this.#key, fillMs), call);
  }

  #tellAway(error: unknown, place: string): void {
    // One that answers is not away, even if it answers that it cannot.
    const isNew = error instanceof ReplyError || this.#owner.outage.failed(place, performance.now());
    if (isNew) this.#owner.port.tell({ key: this.#key, during: 'lookup', error });
  }

  #giveBack({ token }: FillAnswer): void {
    if (token === null) return;
    this.#owner.port.run(fillOperations.cancelFill(this.#key, token), this.#plan.call).catch(ignore);
  }

  #take({ state, value, token }: FillAnswer): Outcome | Promise<Outcome> {
    if (state === 'stale' && token !== null) {
      this.#owner.revalidate(this.#key, this.#loader, this.#plan, token);
    }
    if (this.#plan.codec === plainCodec) return { value, isOvertaken: false };
    return this.#decoded(value);
  }

  #fill(token: string): Promise<Outcome> {
    this.#state = 'loading';
    const filling = new Filling(this.#owner.port, this.#key, this.#loader, this.#plan, token);
    this.#work = filling;
    return filling.outcome;
  }

  /** Loads for those who wait, and stores nothing. */
  async #loadOnly(): Promise<Outcome> {
    this.#state = 'loading';
    const loading = loadOnce(this.#loader, this.#key, this.#plan.loaderTimeoutMs);
    this.#work = loading;
    return { value: await loading.value, isOvertaken: false };
  }

  async #decoded(stored: Value): Promise<Outcome> {
    try {
      return { value: await this.#plan.codec.decode(stored), isOvertaken: false };
    } catch (cause) {
      throw new LoadError('codec-failed', 'The codec could not decode what is stored.', { cause });
    }
  }

  async #pause(ms: number): Promise<void> {
    this.#state = 'pausing';
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endPause = null;
    this.#checkAbandoned();
  }

  #checkAbandoned(): void {
    if (this.#abandoned !== null) throw this.#abandoned.reason;
  }
}

function ignore(): void {}
