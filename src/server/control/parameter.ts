/** What CONFIG SET makes of a text: what is wrong with it, in Redis's words, or what makes the change. */
export type Change = { readonly problem: string } | { readonly apply: () => void };

/** One name that CONFIG GET and SET know. */
export interface Parameter {
  readonly name: string;
  /** The value as CONFIG GET tells it. */
  read(): string;
  /** Looks at a new value and changes nothing. */
  check(text: string): Change;
}

const INT64_MAX = '9223372036854775807';
export const IMMUTABLE = "can't set immutable config";

/** What is laid down when the node starts. The value it has may be set again, which changes nothing. */
export function fixed(name: string, value: string | (() => string), read = (text: string) => text): Parameter {
  const current = typeof value === 'string' ? () => value : value;
  return {
    name,
    read: current,
    check: (text) => (read(text) === current() ? { apply: () => undefined } : { problem: IMMUTABLE }),
  };
}

/** One of several words. */
export function choice(
  name: string,
  words: readonly string[],
  read: () => string,
  check: (word: string) => Change,
): Parameter {
  return {
    name,
    read,
    check: (text) => {
      const word = text.toLowerCase();
      if (word === read()) return { apply: () => undefined };
      return words.includes(word)
        ? check(word)
        : { problem: `argument(s) must be one of the following: ${words.join(', ')}` };
    },
  };
}

/** As `fixed`, of one of several words. */
export function fixedChoice(name: string, value: string, words: readonly string[]): Parameter {
  return choice(
    name,
    words,
    () => value,
    () => ({ problem: IMMUTABLE }),
  );
}

/** As `fixed`, of yes and no; `problem` says why it is not changed. */
export function fixedSwitch(name: string, isOn: boolean, problem = IMMUTABLE): Parameter {
  return {
    name,
    read: () => (isOn ? 'yes' : 'no'),
    check: (text) => {
      const word = text.toLowerCase();
      if (word !== 'yes' && word !== 'no') return { problem: "argument must be 'yes' or 'no'" };
      return (word === 'yes') === isOn ? { apply: () => undefined } : { problem };
    },
  };
}

/** Bytes: a number, with Redis's units (`1k` is 1000, `1kb` 1024) or without. */
export function fixedBytes(name: string, bytes: number): Parameter {
  return {
    name,
    read: () => String(bytes),
    check: (text) => {
      const asked = memoryBytes(text);
      if (Number.isNaN(asked)) return { problem: 'argument must be a memory value' };
      return asked === bytes ? { apply: () => undefined } : { problem: IMMUTABLE };
    },
  };
}

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1000,
  kb: 2 ** 10,
  m: 1e6,
  mb: 2 ** 20,
  g: 1e9,
  gb: 2 ** 30,
};

/** NaN for what is no such text. */
export function memoryBytes(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([kmg]?b?)$/i.exec(text) ?? [];
  const bytes = digits === '' ? Number.NaN : Number(digits) * (unitBytes[unit.toLowerCase()] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : Number.NaN;
}

interface IntegerForm {
  readonly min: number;
  /** Infinity: as many as 64 bits hold. */
  readonly max: number;
  readonly read: () => number;
  readonly write: (value: number) => void;
}

/** An integer that can be changed. */
export function integer(name: string, { min, max, read, write }: IntegerForm): Parameter {
  const most = max === Infinity ? INT64_MAX : String(max);
  return {
    name,
    read: () => String(read()),
    check: (text) => {
      if (!/^-?\d+$/.test(text)) return { problem: "argument couldn't be parsed into an integer" };
      const value = Number(text);
      const isInRange = value >= min && value <= max && value <= Number(INT64_MAX);
      return isInRange
        ? { apply: () => write(value) }
        : { problem: `argument must be between ${min} and ${most} inclusive` };
    },
  };
}

/** A text that `write` takes or does not. */
export function text(
  name: string,
  read: () => string,
  check: (value: string) => string | null,
  write: (value: string) => void,
): Parameter {
  return {
    name,
    read,
    check: (value) => {
      const problem = check(value);
      return problem === null ? { apply: () => write(value) } : { problem };
    },
  };
}
