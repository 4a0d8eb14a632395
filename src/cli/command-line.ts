import { nearest } from '../base/nearest.ts';
import type { OptionTable, OptionValues } from './option-kinds.ts';

export interface ReadOptions<Table extends OptionTable> {
  readonly values: OptionValues<Table>;
  /** Names of the options that were written. */
  readonly given: ReadonlySet<keyof Table>;
  /** What follows the options: the command. */
  readonly rest: readonly string[];
  readonly problems: readonly string[];
  readonly asks: 'help' | 'version' | undefined;
}

const questions: ReadonlyMap<string, 'help' | 'version'> = new Map([
  ['--help', 'help'],
  ['--version', 'version'],
  ['-v', 'version'],
]);

/** Reads options up to the first argument that is none, or up to `--`. Values follow their flag, or `=` behind a long one. */
export function readOptions<Table extends OptionTable>(table: Table, args: readonly string[]): ReadOptions<Table> {
  const nameByFlag = new Map<string, keyof Table & string>();
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    values[name] = option.default;
    for (const each of option.flags) nameByFlag.set(each, name);
  }
  const given = new Set<keyof Table>();
  const problems: string[] = [];
  let asks: 'help' | 'version' | undefined;
  let at = 0;

  for (; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === '--') {
      at++;
      break;
    }
    if (!arg.startsWith('-') || arg === '-') break;
    const equals = arg.startsWith('--') ? arg.indexOf('=') : -1;
    const flag = equals < 0 ? arg : arg.slice(0, equals);
    const inline = equals < 0 ? undefined : arg.slice(equals + 1);
    const question = questions.get(flag);
    if (question !== undefined && inline === undefined) {
      if (asks !== 'help') asks = question;
      continue;
    }
    const name = nameByFlag.get(flag);
    const option = name === undefined ? undefined : table[name];
    if (name === undefined || option === undefined) {
      const near = nearest(flag, [...nameByFlag.keys(), ...questions.keys()]);
      problems.push(`${flag}: there is no such option.${near === undefined ? '' : ` Did you mean ${near}?`}`);
      // What follows may be its value or the command: nobody can tell.
      at = args.length;
      break;
    }
    if (given.has(name)) problems.push(`${flag} is given twice.`);
    given.add(name);
    if (option.placeholder === '') {
      if (inline !== undefined) problems.push(`${flag} takes no value, but was given ${JSON.stringify(inline)}.`);
      values[name] = true;
      continue;
    }
    const text = inline ?? args[at + 1];
    if (text === undefined || (inline === undefined && nameByFlag.has(text) && text.startsWith('--'))) {
      problems.push(`${flag} needs a value. Allowed: ${option.allowed}.`);
      continue;
    }
    if (inline === undefined) at++;
    const value = option.read(text);
    if (value === undefined) {
      const shown = option.secret ? 'the value given' : JSON.stringify(text);
      problems.push(`${flag}: ${shown} is not allowed. Allowed: ${option.allowed}.`);
    } else {
      values[name] = value;
    }
  }
  return { values: values as OptionValues<Table>, given, rest: args.slice(at), problems, asks };
}

/** Puts options, with their values, in front of the words between which they stand. */
export function optionsFirst(table: OptionTable, args: readonly string[]): string[] {
  const valued = new Set(Object.values(table).flatMap(({ flags, placeholder }) => (placeholder === '' ? [] : flags)));
  const options: string[] = [];
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    if (!arg.startsWith('-') || arg === '-') {
      words.push(arg);
      continue;
    }
    options.push(arg);
    const value = args[at + 1];
    if (valued.has(arg) && value !== undefined) {
      options.push(value);
      at++;
    }
  }
  return [...options, ...words];
}
