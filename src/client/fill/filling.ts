import { FluxCacheError, LoadError } from '../errors.ts';
import type { Key, Storable } from '../values.ts';
import { fillOperations } from './fill-operations.ts';
import type { FillPlan, Loader } from './fill-options.ts';
import { type FillPort, isAway, type Outcome } from './fill-port.ts';
import { type Loading, loadOnce } from './load-once.ts';

/** Errors of storing that are the value's, which its callers get all the same. */
const ofTheValue: ReadonlySet<string> = new Set(['value-too-large', 'request-too-large', 'closed']);

/**
 * The work of whoever has the token of a key: loads its value and stores it. When there is nothing to store the token is
 * given back at once, so that nobody waits for it to run out.
 */
export class Filling {
  /**
   * Rejects with what the loader throws, or with the error of a value or of options that cannot be stored. A server that
   * cannot take the value now is told of by an event.
   */
  readonly outcome: Promise<Outcome>;
  /** The server was sent what was loaded: it does not say of what comes after that whether it overtook the value. */
  isStoring = false;
  readonly #port: FillPort;
  readonly #key: Key;
  readonly #plan: FillPlan;
  readonly #token: string;
  readonly #loading: Loading;

  constructor(port: FillPort, key: Key, loader: Loader<unknown>, plan: FillPlan, token: string) {
    this.#port = port;
    this.#key = key;
    this.#plan = plan;
    this.#token = token;
    this.#loading = loadOnce(loader, key, plan.loaderTimeoutMs);
    this.outcome = this.#run();
  }

  /** Gives up loading; what is loaded already is still stored. */
  abort(reason: unknown): void {
    this.#loading.abort(reason);
  }

  async #run(): Promise<Outcome> {
    let value: unknown;
    try {
      value = await this.#loading.value;
      const { set, tagsOf, call } = this.#plan;
      const stored = await this.#encoded(value);
      const operation = fillOperations.setFilled(this.#key, stored, this.#token, { ...set, tags: tagsOf(value) });
      this.isStoring = true;
      await this.#port.run(operation, call);
      return { value, isOvertaken: false };
    } catch (error) {
      // A token that was overtaken by an invalidation of one of the value's tags still stands.
      this.#giveBack();
      if (error instanceof FluxCacheError && error.code === 'fill-lost') return { value, isOvertaken: true };
      const isKept = value !== undefined && (isAway(error) || isOfTheValue(error));
      if (!isKept) throw error;
      this.#port.tell({ key: this.#key, during: 'store', error });
      return { value, isOvertaken: false };
    }
  }

  async #encoded(value: unknown): Promise<Storable> {
    try {
      return await this.#plan.codec.encode(value);
    } catch (cause) {
      throw new LoadError('codec-failed', 'The codec could not encode what was loaded.', { cause });
    }
  }

  #giveBack(): void {
    const operation = fillOperations.cancelFill(this.#key, this.#token);
    // A token that cannot be given back runs out.
    this.#port.run(operation, this.#plan.call).catch(() => undefined);
  }
}

function isOfTheValue(error: unknown): boolean {
  return error instanceof FluxCacheError && ofTheValue.has(error.code);
}
