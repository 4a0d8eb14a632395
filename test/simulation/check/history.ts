import { assert } from '../../../src/base/assert.ts';

/**
 * What clients asked of one key, and what came of it, as {@link checkLinearizable} needs it: for the default levels
 * only (reads at the primary, writes acknowledged by the in-sync set). A write of a weaker level is recorded as
 * `indeterminate`, since it may be lost.
 */

export type Call =
  | { readonly kind: 'get' }
  /** `value` names this very write: no two writes of one key have the same, and none is 0. */
  | { readonly kind: 'set'; readonly value: number }
  /** Writes where the key's version is `expected`; 0: where it is absent. */
  | { readonly kind: 'cas'; readonly expected: number; readonly value: number }
  | { readonly kind: 'delete' }
  /** The partition began empty, all its copies being dead in truth: returned when its new primary was named. */
  | { readonly kind: 'wipe' };

export type Outcome =
  /** Not known yet; at the end of a history as good as `indeterminate`. */
  | { readonly type: 'open' }
  | { readonly type: 'returned'; readonly result: Result }
  /** Certainly without effect. */
  | { readonly type: 'refused'; readonly reason: string }
  /** Takes effect at any later time, or never. `version` is what it writes then, where that is known. */
  | { readonly type: 'indeterminate'; readonly version?: number };

export type Result =
  | { readonly type: 'value'; readonly value: number; readonly version: number }
  | { readonly type: 'absent' }
  /** Written, deleted. `version` of what was written, over 0 and never given twice; of a delete 0. */
  | { readonly type: 'done'; readonly version: number }
  /** The version differed, there was nothing to delete. */
  | { readonly type: 'not-done' };

export interface Operation {
  readonly number: number;
  readonly client: string;
  readonly partition: number;
  readonly key: string;
  readonly call: Call;
  readonly outcome: Outcome;
  /** True time, milliseconds, for reports. */
  readonly invokedAtMs: number;
  readonly settledAtMs: number;
  /** Counts the events of the history: one operation was before another if it settled before that was invoked. */
  readonly invokedAt: number;
  /** Infinity while it is open. */
  readonly settledAt: number;
}

type OpenOperation = { -readonly [Field in keyof Operation]: Operation[Field] };

/** Every call of every client, in the order of true time. */
export class History {
  readonly #operations: OpenOperation[] = [];
  #moment = 0;

  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** Returns the operation's number. */
  invoke(client: string, partition: number, key: string, call: Call, nowMs: number): number {
    const number = this.#operations.length;
    this.#operations.push({
      number,
      client,
      partition,
      key,
      call,
      outcome: { type: 'open' },
      invokedAtMs: nowMs,
      settledAtMs: Number.POSITIVE_INFINITY,
      invokedAt: this.#moment++,
      settledAt: Number.POSITIVE_INFINITY,
    });
    return number;
  }

  settle(number: number, outcome: Outcome, nowMs: number): void {
    const operation = this.#operations[number];
    assert(operation !== undefined && operation.outcome.type === 'open', 'an operation settles once');
    operation.outcome = outcome;
    operation.settledAtMs = nowMs;
    operation.settledAt = this.#moment++;
  }

  /** The operations of each key, by partition and key in the order of their first use. */
  byKey(): readonly (readonly Operation[])[] {
    const keys = new Map<string, Operation[]>();
    for (const operation of this.#operations) {
      const name = `${operation.partition}/${operation.key}`;
      const list = keys.get(name);
      if (list === undefined) keys.set(name, [operation]);
      else list.push(operation);
    }
    return [...keys.values()];
  }
}

export function describeOperation(operation: Operation): string {
  const { number, client, invokedAtMs, settledAtMs, call, outcome } = operation;
  const until = settledAtMs === Number.POSITIVE_INFINITY ? '?' : settledAtMs.toFixed(2);
  return `#${number} ${client} ${invokedAtMs.toFixed(2)}..${until} ms ${describeCall(call)} -> ${describeOutcome(outcome)}`;
}

function describeCall(call: Call): string {
  if (call.kind === 'set') return `set ${call.value}`;
  if (call.kind === 'cas') return `cas ${call.value} where version is ${call.expected}`;
  return call.kind;
}

function describeOutcome(outcome: Outcome): string {
  if (outcome.type === 'refused') return `refused: ${outcome.reason}`;
  if (outcome.type !== 'returned') return outcome.type;
  const { result } = outcome;
  if (result.type === 'value') return `${result.value} (version ${result.version})`;
  return result.type === 'done' && result.version !== 0 ? `done (version ${result.version})` : result.type;
}
