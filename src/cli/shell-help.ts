import { nearest } from '../base/nearest.ts';
import type { Command } from '../command/command.ts';
import { wrapped } from './help-text.ts';
import { commandOf, visibleCommands } from './typed-line.ts';

const INDENT = '  ';

const general = `Type a command, such as SET name value. Tab completes it; grey text shows what
may follow.
  help COMMAND   what a command does and what it takes
  help @GROUP    the commands of a group
  clear          clear the screen
  quit, exit     leave (also Ctrl-D, or Ctrl-C on an empty line)
Arguments with spaces stand in quotes; in "…", \\n, \\t, \\" and \\xff are escapes.
`;

/** What `help …` prints. */
export function helpFor(words: readonly string[]): string {
  const groups = [...new Set(visibleCommands.map(({ group }) => group))];
  const [first] = words;
  if (first === undefined) return `${general}${lines(`Groups: ${groups.map((group) => `@${group}`).join(', ')}`, '')}`;
  if (first.startsWith('@')) {
    const members = visibleCommands.filter(({ group, kind }) => `@${group}` === first && kind !== 'container');
    if (members.length > 0) return members.map(described).join('\n');
    return `There is no group ${first}. Groups: ${groups.map((group) => `@${group}`).join(', ')}\n`;
  }
  const found = commandOf(words);
  if (found === undefined) {
    const near = nearest(
      first,
      visibleCommands.map(({ name }) => name),
    );
    return `There is no command ${first}.${near === undefined ? '' : ` Did you mean ${near.toUpperCase()}?`}\n`;
  }
  const { command } = found;
  if (command.kind !== 'container') return described(command);
  const members = visibleCommands.filter(({ name }) => name.startsWith(`${command.name}|`));
  return members.map(described).join('\n');
}

function described({ name, syntax, summary, since, group }: Command): string {
  const usage = `${name.replace('|', ' ').toUpperCase()} ${syntax}`.trimEnd();
  return [usage, summary, `since ${since}, group ${group}`].map((text) => lines(text, INDENT)).join('');
}

/** Text in as many lines as the terminal needs, each indented. */
function lines(text: string, indent: string): string {
  const columns = (process.stdout.columns ?? 80) - indent.length - 1;
  return wrapped(text, columns)
    .map((line) => `${indent}${line}\n`)
    .join('');
}
