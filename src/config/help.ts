import { actionDocs } from './command-line.ts';
import { type Option, type OptionGroup, optionGroups } from './kinds.ts';
import { flagOf, optionNames, options, variableOf } from './options.ts';

const COLUMNS = 100;

function rowsOf(group: OptionGroup): { name: string; option: Option<unknown> }[] {
  return optionNames
    .map((name) => ({ name, option: options[name] as Option<unknown> }))
    .filter(({ option }) => option.group === group);
}

function defaultOf({ default: value, defaultDoc, print, secret }: Option<unknown>): string {
  if (defaultDoc !== undefined) return defaultDoc;
  const empty = secret === true || value === '' || (Array.isArray(value) && value.length === 0);
  return empty ? 'none' : print(value);
}

/** What `--help` prints. */
export function helpText(): string {
  const sections: string[] = [];
  for (const [group, title] of Object.entries(optionGroups) as [OptionGroup, string][]) {
    const entries = rowsOf(group).map(({ name, option }) => {
      const flag = option.isSwitch ? flagOf(name) : `${flagOf(name)} ${option.placeholder}`;
      return entry(flag, `${option.doc} Default: ${defaultOf(option)}.`);
    });
    sections.push(`${title}:\n${entries.join('\n')}`);
  }
  const others = actionDocs.map(([flag, doc]) => entry(flag, doc)).join('\n');
  return `Usage: fluxcache-server [OPTION…]

Serves an in-memory cache: over HTTP (REST, commands and streams) on port ${options.httpPort.default}; over TCP on
port ${options.tcpPort.default}, where RESP (Redis clients) and MessagePack-RPC (the client library) are told apart by
their first byte. Both ports speak TLS if --tls-cert and --tls-key are given.

${sections.join('\n\n')}

Other:
${others}

Each option is also a variable (${flagOf('httpPort')} is ${variableOf('httpPort')}) and a key of the file named by
--config (httpPort: 8081). Flags win over variables, variables over the file, the file over defaults.
Sizes are written like 64mb, times like 500ms or 10s.
`;
}

/** A flag, and beside or below it what it means, wrapped. */
function entry(flag: string, doc: string): string {
  const indent = 32;
  const lines: string[] = [];
  let line = '';
  for (const word of doc.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  const left = `  ${flag}`;
  const first = left.length + 2 <= indent ? `${left.padEnd(indent)}${lines.shift() ?? ''}` : left;
  return [first, ...lines.map((text) => `${' '.repeat(indent)}${text}`)].join('\n');
}

/** The reference of options as Markdown tables, a heading for each group. */
export function referenceMarkdown(): string {
  const sections = (Object.entries(optionGroups) as [OptionGroup, string][]).map(([group, title]) => {
    const rows = rowsOf(group).map(({ name, option }) => {
      const names = `\`${flagOf(name)}\`<br>\`${variableOf(name)}\`<br>\`${name}\``;
      return `| ${names} | ${cell(option.doc)} | ${cell(defaultOf(option))} | ${cell(option.allowed)} |`;
    });
    return `### ${title}\n\n| flag, variable, file key | meaning | default | allowed |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
  });
  return sections.join('\n\n');
}

/** The flags in short as one Markdown table: what each is for in a sentence, and its default. */
export function summaryMarkdown(): string {
  const rows = (Object.keys(optionGroups) as OptionGroup[]).flatMap(rowsOf).map(({ name, option }) => {
    const [sentence = ''] = /^.*?[.;](?= |$)/.exec(option.doc) ?? [option.doc];
    return `| \`${flagOf(name)}\` | ${cell(defaultOf(option))} | ${cell(sentence.replace(/[.;]$/, ''))} |`;
  });
  return `| flag | default | |\n| --- | --- | --- |\n${rows.join('\n')}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
