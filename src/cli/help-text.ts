import type { CliOption, OptionTable } from './option-kinds.ts';

const COLUMNS = 100;
const INDENT = 28;

/** The options of a table by their groups, a paragraph each. */
export function optionsText(table: OptionTable): string {
  const groups = new Map<string, string[]>();
  for (const option of Object.values(table)) {
    const lines = groups.get(option.group) ?? [];
    lines.push(entry(flagsOf(option), option.doc));
    groups.set(option.group, lines);
  }
  return [...groups].map(([title, lines]) => `${title}:\n${lines.join('\n')}`).join('\n\n');
}

/** The reference of a table's options as Markdown. */
export function optionsMarkdown(table: OptionTable): string {
  const rows = Object.values(table).map(
    (option) => `| \`${flagsOf(option).replaceAll('|', '\\|')}\` | ${option.doc.replaceAll('|', '\\|')} |`,
  );
  return `| option | meaning |\n| --- | --- |\n${rows.join('\n')}`;
}

function flagsOf({ flags, placeholder }: CliOption<unknown>): string {
  return `${flags.join(', ')}${placeholder === '' ? '' : ` ${placeholder}`}`;
}

/** A term, and beside or below it what it means, wrapped. */
export function entry(term: string, doc: string): string {
  const lines = wrapped(doc, COLUMNS - INDENT);
  const left = `  ${term}`;
  const first = left.length + 2 <= INDENT ? `${left.padEnd(INDENT)}${lines.shift() ?? ''}` : left;
  return [first, ...lines.map((text) => `${' '.repeat(INDENT)}${text}`)].join('\n');
}

/** Text cut between words into lines of so many columns; a longer word has a line of its own. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
