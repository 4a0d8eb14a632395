import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';

/** What a suite written for Vitest says of a value. */
export class Expectation {
  readonly #value: unknown;
  readonly #expected: boolean;

  constructor(value: unknown, expected = true) {
    this.#value = value;
    this.#expected = expected;
  }

  get not(): Expectation {
    return new Expectation(this.#value, !this.#expected);
  }

  toBe(other: unknown): void {
    this.#hold(Object.is(this.#value, other), 'is', other);
  }

  /** Fields that are undefined count as absent ones, as in Vitest. */
  toEqual(other: unknown): void {
    this.#hold(isDeepStrictEqual(withoutUndefined(this.#value), withoutUndefined(other)), 'equals', other);
  }

  toBeTruthy(): void {
    this.#hold(Boolean(this.#value), 'is truthy');
  }

  toBeFalsy(): void {
    this.#hold(!this.#value, 'is falsy');
  }

  toBeUndefined(): void {
    this.toBe(undefined);
  }

  toBeDefined(): void {
    this.#hold(this.#value !== undefined, 'is defined');
  }

  toBeNull(): void {
    this.toBe(null);
  }

  #hold(holds: boolean, what: string, ...other: unknown[]): void {
    assert.equal(holds, this.#expected, `${JSON.stringify([this.#value])} ${what} ${JSON.stringify(other)}`);
  }
}

function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, withoutUndefined(field)]),
  );
}

/** Counts what a test expects, for suites that say how often they will. */
export class Expectations {
  #count = 0;
  #wanted: number | null = null;

  /** The `expect` of one test. */
  readonly expect = Object.assign(
    (value: unknown): Expectation => {
      this.#count++;
      return new Expectation(value);
    },
    {
      assertions: (count: number): void => {
        this.#wanted = count;
      },
    },
  );

  /** At the end of the test. */
  settle(): void {
    if (this.#wanted !== null) assert.equal(this.#count, this.#wanted, 'as many expectations as the test told');
  }
}
