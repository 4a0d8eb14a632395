import type { Command } from '../command/command.ts';
import { commandTable } from '../command/table.ts';
import { type Continuation, continuationOf, parseSyntax, type SyntaxPart } from './syntax.ts';

/** Words that the shell itself takes, beside the commands of the table. */
const shellWords = { help: '[command]', clear: '', quit: '', exit: '' } as const;

export const visibleCommands: readonly Command[] = commandTable.commands.filter(({ group }) => group !== 'internal');
const topNames = visibleCommands.filter(({ name }) => !name.includes('|')).map(({ name }) => name);
const commandByName = new Map(visibleCommands.map((command) => [command.name, command]));
const parsed = new Map<string, readonly SyntaxPart[]>();

/** A line up to where it is typed: its whole words, and the one that is not ended by a space yet. */
interface Typed {
  readonly words: readonly string[];
  readonly partial: string;
}

function typedOf(line: string): Typed {
  const words = line.match(/"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s"']+/g) ?? [];
  const isEnded = line === '' || /\s$/.test(line);
  return isEnded ? { words, partial: '' } : { words: words.slice(0, -1), partial: words.at(-1) ?? '' };
}

/** The command that the first words name, and the words behind its name. */
export function commandOf(words: readonly string[]): { command: Command; args: readonly string[] } | undefined {
  const [first, second] = words.map((word) => word.toLowerCase());
  const command = first === undefined || first.includes('|') ? undefined : commandByName.get(first);
  if (command === undefined) return undefined;
  const sub =
    command.kind === 'container' && second !== undefined ? commandByName.get(`${first}|${second}`) : undefined;
  return sub === undefined ? { command, args: words.slice(1) } : { command: sub, args: words.slice(2) };
}

function continuation(command: Command, args: readonly string[]): Continuation {
  let syntax = parsed.get(command.name);
  if (syntax === undefined) {
    syntax = parseSyntax(command.syntax);
    parsed.set(command.name, syntax);
  }
  return continuationOf(syntax, args);
}

/** What may follow a line, to be shown behind it; empty when there is nothing to say. */
export function hintFor(line: string): string {
  const { words, partial } = typedOf(line);
  const all = partial === '' ? words : [...words, partial];
  const shellWord = Object.entries(shellWords).find(([word]) => word === all[0]?.toLowerCase());
  if (shellWord !== undefined) return all.length > 1 ? '' : spaced(shellWord[1], line);
  const found = commandOf(all);
  if (found === undefined) return '';
  const isLower = partial !== '' && partial === partial.toLowerCase();
  if (found.command.kind === 'container') {
    const names = subcommandsOf(found.command.name).map((name) => name.toUpperCase());
    if (found.args.length === 0) return spaced(names.join(' | '), line);
    const begun = found.args.length === 1 ? names.find((name) => name.startsWith(partial.toUpperCase())) : undefined;
    return begun === undefined || partial === '' ? '' : cased(begun.slice(partial.length), isLower);
  }
  const whole = continuation(found.command, found.args);
  if (whole.rest !== null) return spaced(whole.rest, line);
  const before =
    partial === '' || found.args.length === 0 ? undefined : continuation(found.command, found.args.slice(0, -1));
  const keyword = before?.keywords.find(({ word }) => word.startsWith(partial.toUpperCase()));
  if (keyword === undefined) return '';
  return `${cased(keyword.word.slice(partial.length), isLower)} ${keyword.behind}`.trimEnd();
}

function cased(text: string, isLower: boolean): string {
  return isLower ? text.toLowerCase() : text.toUpperCase();
}

function spaced(hint: string, line: string): string {
  return hint === '' || /\s$/.test(line) ? hint : ` ${hint}`;
}

/** The words that can stand where a line ends, each as it would be typed, and the part of the line they replace. */
export function completionsOf(line: string): [words: string[], partial: string] {
  const { words, partial } = typedOf(line);
  const wanted = partial.toLowerCase();
  const fitting = candidates(words).filter((word) => word.toLowerCase().startsWith(wanted));
  const isLower = partial === '' ? isLowerCase(words) : partial === wanted;
  const typed = fitting.map((word) => {
    const rest = word.slice(partial.length);
    return partial + cased(rest, isLower);
  });
  const unique = [...new Set(typed)].sort();
  return [unique.length === 1 ? [`${unique[0]} `] : unique, partial];
}

function candidates(words: readonly string[]): readonly string[] {
  if (words.length === 0) return [...topNames, ...Object.keys(shellWords)];
  if (words[0]?.toLowerCase() === 'help') {
    return words.length === 1 ? topNames : subcommandsOf(words[1] as string);
  }
  const found = commandOf(words);
  if (found === undefined) return [];
  const { command, args } = found;
  if (command.kind === 'container') return args.length === 0 ? subcommandsOf(command.name) : [];
  return continuation(command, args).keywords.map(({ word }) => word);
}

function subcommandsOf(container: string): string[] {
  const prefix = `${container.toLowerCase()}|`;
  return visibleCommands.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name.slice(prefix.length));
}

function isLowerCase(words: readonly string[]): boolean {
  return words[0] === undefined || words[0] === words[0].toLowerCase();
}
