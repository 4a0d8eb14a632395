import { z } from 'zod';
import { formatBytes, formatMs, parseBytes, parseMs, SIZE_FORM, TIME_FORM } from '../base/units.ts';

/** What the machine says of itself, for defaults that depend on it. */
export interface Machine {
  readonly cores: number;
  readonly hostName: string;
}

/** What every row of the option table says. */
interface Described<T> {
  readonly group: OptionGroup;
  readonly doc: string;
  readonly default: T | ((machine: Machine) => T);
  /** What the documents say instead of a default that depends on the machine. */
  readonly defaultDoc?: string;
  /** Never printed, never logged. */
  readonly secret?: boolean;
}

export const optionGroups = {
  network: 'Network',
  tls: 'TLS',
  memory: 'Memory',
  limits: 'Limits',
  timeouts: 'Time limits',
  mailboxes: 'Mailboxes',
  access: 'Access',
  cluster: 'Cluster',
  persistence: 'Persistence',
  monitoring: 'Monitoring',
  node: 'Node and log',
} as const;
export type OptionGroup = keyof typeof optionGroups;

/** One option: how it is described, read and printed. Its name, flag and variable follow from its key in the table. */
export interface Option<T> extends Described<T> {
  /** Reads what a flag, a variable (both text) or a file (any scalar or list) gives. */
  readonly schema: z.ZodType<T>;
  /** What is allowed, to complete 'allowed: …'. */
  readonly allowed: string;
  /** Stands for the value in `--help`. */
  readonly placeholder: string;
  /** A flag without a value says true. */
  readonly isSwitch: boolean;
  /** May be given several times, the values being joined. */
  readonly isList: boolean;
  /** The value as a configuration file says it. */
  print(value: T): string;
}

interface Range {
  readonly min: number;
  readonly max: number;
}

const scalar = z.union([z.string(), z.number()]).transform(String);

/** Text of a form that `parse` turns into an integer (undefined: not of that form), within a range. */
function quantity(parse: (text: string) => number | undefined, { min, max }: Range): z.ZodType<number> {
  return scalar.transform((text, context) => {
    const value = parse(text);
    if (value !== undefined && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    context.addIssue({ code: 'custom' });
    return z.NEVER;
  });
}

export function integer(row: Described<number> & Range & { placeholder?: string }): Option<number> {
  const parse = (text: string) => (/^[+-]?\d+$/.test(text.trim()) ? Number(text) : undefined);
  return {
    placeholder: 'N',
    ...row,
    schema: quantity(parse, row),
    allowed: `an integer from ${row.min} to ${row.max}`,
    isSwitch: false,
    isList: false,
    print: String,
  };
}

/** Bytes, written with units. */
export function size(row: Described<number> & Range & { powerOfTwo?: boolean }): Option<number> {
  const parse = (text: string) => {
    const bytes = parseBytes(text);
    return row.powerOfTwo === true && bytes !== undefined && !Number.isInteger(Math.log2(bytes)) ? undefined : bytes;
  };
  const form = row.powerOfTwo === true ? `a power of two as ${SIZE_FORM}` : SIZE_FORM;
  return {
    ...row,
    schema: quantity(parse, row),
    allowed: `${form}, from ${formatBytes(row.min)} to ${formatBytes(row.max)}`,
    placeholder: 'SIZE',
    isSwitch: false,
    isList: false,
    print: formatBytes,
  };
}

/** Milliseconds, written with units. */
export function time(row: Described<number> & Range): Option<number> {
  return {
    ...row,
    schema: quantity(parseMs, row),
    allowed: `${TIME_FORM}, from ${formatMs(row.min)} to ${formatMs(row.max)}`,
    placeholder: 'TIME',
    isSwitch: false,
    isList: false,
    print: formatMs,
  };
}

export function toggle(row: Described<boolean>): Option<boolean> {
  const words: Readonly<Record<string, boolean>> = { true: true, false: false, 1: true, 0: false };
  const schema = z.union([z.string(), z.number(), z.boolean()]).transform((raw, context) => {
    const word = String(raw).trim().toLowerCase();
    if (Object.hasOwn(words, word)) return words[word] === true;
    context.addIssue({ code: 'custom' });
    return z.NEVER;
  });
  return { ...row, schema, allowed: 'true or false', placeholder: '', isSwitch: true, isList: false, print: String };
}

export function choice<const T extends string>(row: Described<T> & { readonly of: readonly T[] }): Option<T> {
  return {
    ...row,
    schema: z.enum(row.of),
    allowed: row.of.join(', '),
    placeholder: row.of.join('|'),
    isSwitch: false,
    isList: false,
    print: (value) => value,
  };
}

interface TextForm {
  readonly pattern: RegExp;
  readonly allowed: string;
  readonly placeholder: string;
}

export function text(row: Described<string> & TextForm): Option<string> {
  const schema = z.string().regex(row.pattern);
  return { ...row, schema, isSwitch: false, isList: false, print: quoteYaml };
}

/** Several texts: a list in a file; in a flag or variable separated by commas. */
export function list(row: Described<readonly string[]> & TextForm): Option<readonly string[]> {
  const split = (raw: string | readonly string[]) =>
    typeof raw === 'string' ? raw.split(',').map((part) => part.trim()) : raw;
  const schema = z
    .union([z.string(), z.array(z.string())])
    .transform(split)
    .pipe(z.array(z.string().regex(row.pattern)));
  return { ...row, schema, isSwitch: false, isList: true, print: (parts) => `[${parts.map(quoteYaml).join(', ')}]` };
}

function quoteYaml(value: string): string {
  return /^[a-z][\w./-]*$/i.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value)
    ? value
    : JSON.stringify(value);
}
