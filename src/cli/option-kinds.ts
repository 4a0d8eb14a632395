import { formatMs, parseBytes, parseMs, SIZE_FORM, TIME_FORM } from '../base/units.ts';

/** One option of the command line: the key of its row is the name the program knows it by. */
export interface CliOption<T> {
  /** As written: `-p`, `--pattern`. The first is the one that messages name. */
  readonly flags: readonly string[];
  readonly group: string;
  readonly doc: string;
  readonly default: T;
  /** Stands for the value in `--help`; empty for a switch, which takes none. */
  readonly placeholder: string;
  /** What is allowed, to complete 'Allowed: …'. */
  readonly allowed: string;
  /** Never repeated in messages. */
  readonly secret: boolean;
  /** The value of a text (of a switch: ''); undefined when the text is not allowed. */
  read(text: string): T | undefined;
}

export type OptionTable = Readonly<Record<string, CliOption<unknown>>>;
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends CliOption<infer T> ? T : never;
};

interface Described {
  readonly flags: readonly string[];
  readonly group: string;
  readonly doc: string;
}

export function flag(row: Described): CliOption<boolean> {
  return { ...row, default: false, placeholder: '', allowed: '', secret: false, read: () => true };
}

/** Any text. */
export function word(
  row: Described & { placeholder: string; allowed?: string; default?: string; secret?: boolean },
): CliOption<string | undefined> {
  return { secret: false, default: undefined, allowed: 'any text', ...row, read: (text) => text };
}

export function count(
  row: Described & { default: number; min: number; max: number; placeholder?: string },
): CliOption<number> {
  const { min, max } = row;
  return {
    placeholder: 'N',
    secret: false,
    ...row,
    allowed: `an integer from ${min} to ${max}`,
    read: (text) => (/^-?\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined),
  };
}

/** Bytes, with or without a unit. */
export function size(row: Described & { default: number; min: number; max: number }): CliOption<number> {
  return {
    placeholder: 'BYTES',
    secret: false,
    ...row,
    allowed: `${SIZE_FORM}, from ${row.min} to ${row.max}`,
    read: (text) => {
      const bytes = parseBytes(text);
      return bytes !== undefined && bytes >= row.min && bytes <= row.max ? bytes : undefined;
    },
  };
}

/** Milliseconds; a bare number counts seconds, fractions allowed, as redis-cli has it. */
export function seconds<T extends number | undefined>(
  row: Described & { default: T; minMs: number },
): CliOption<number | T> {
  return {
    placeholder: 'SECONDS',
    secret: false,
    ...row,
    allowed: `seconds (0.5), or ${TIME_FORM}; at least ${formatMs(row.minMs)}`,
    read: (text) => {
      const ms = /^\d*\.?\d+$/.test(text) ? Number(text) * 1000 : parseMs(text);
      return ms !== undefined && ms >= row.minMs && ms <= 2 ** 31 - 1 ? ms : undefined;
    },
  };
}

/** `unsaid`: what stands for its absence, which messages do not offer. */
export function choice<const T extends string>(
  row: Described & { of: readonly T[]; default: T; placeholder?: string; unsaid?: T },
): CliOption<T> {
  return {
    placeholder: row.of.join('|'),
    secret: false,
    ...row,
    allowed: row.of.filter((each) => each !== row.unsaid).join(', '),
    read: (text) => row.of.find((each) => each === text),
  };
}
