import type { Report } from './report.ts';

/** One option of a benchmark: `--name VALUE`, or `--name` alone for a boolean. */
export interface BenchOption {
  /** What the option does, with its unit; one line of `--help`. */
  doc: string;
  /** A boolean default makes a flag; a string default makes an option with a value. */
  default: string | boolean;
}

export type BenchOptions = Readonly<Record<string, BenchOption>>;

/** The options as given or defaulted: booleans for flags, text for the others. */
export type OptionValues<O extends BenchOptions> = {
  readonly [Name in keyof O]: O[Name]['default'] extends boolean
    ? boolean
    : O[Name]['default'] extends string
      ? string
      : string | boolean;
};

/** What a file `bench/NAME.ts` exports as `bench`; `bench/main.ts` runs it. */
export interface Bench<O extends BenchOptions = BenchOptions> {
  options: O;
  /** Measures and fills the report; throws {@link UsageError} for an option's bad value. */
  run(options: OptionValues<O>, report: Report): Promise<void>;
}

/** Lets TypeScript infer the options' types of a benchmark. */
export function defineBench<const O extends BenchOptions>(bench: Bench<O>): Bench<O> {
  return bench;
}

/** A bad option: printed without a stack, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads an option as a number, refusing anything else and whatever is below `min`. */
export function numberOption(name: string, text: string, min = 0): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < min) {
    throw new UsageError(`--${name}: ${JSON.stringify(text)} is not a number of at least ${min}`);
  }
  return value;
}

/** Reads an option as a list of numbers between commas. */
export function numberListOption(name: string, text: string, min = 0): number[] {
  return text.split(',').map((part) => numberOption(name, part, min));
}
