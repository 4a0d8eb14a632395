import { splitAddress } from '../../base/addresses.ts';
import { readOptions } from '../command-line.ts';
import { optionsText } from '../help-text.ts';
import { hasColours } from '../line-hint.ts';
import type { OptionValues } from '../option-kinds.ts';
import { Exit, print, type Run, refuse } from '../run.ts';
import { keyHelp } from './keys.ts';
import { LiveTop } from './live-top.ts';
import type { Place } from './open-feed.ts';
import { printFrame, printLines } from './printed-top.ts';
import { topOptions } from './top-options.ts';

const HELP = 'fluxcache top --help';

/** Runs `fluxcache top`; `args` are what stands behind the word. */
export async function runTop(run: Run, args: readonly string[]): Promise<Exit> {
  const { values, given, rest, problems: found, asks } = readOptions(topOptions, args);
  if (asks === 'help') {
    await print(topHelp());
    return Exit.ok;
  }
  const problems = [...found];
  if (rest.length > 0) problems.push(`top takes options only, but was given ${JSON.stringify(rest[0])}.`);
  const http = values.http === undefined ? null : readHttp(values.http, problems);
  if (values.http !== undefined && values.noHttp) problems.push('--http and --no-http contradict each other.');
  // `fluxcache --json top` is as good as `fluxcache top --json`.
  const isJson = values.json || run.format === 'json';
  for (const option of ['interval', 'repeat'] as const) {
    if (given.has(option) && !isJson) problems.push(`${topOptions[option].flags[0]} needs --json.`);
  }
  if (problems.length > 0) return refuse(problems, HELP);

  const place: Place = { target: run.target, http, usesHttp: !values.noHttp };
  if (isJson) return printLines(place, repeatOf(run, values, given), values.interval ?? run.values.interval ?? 0);
  const isScreen = process.stdout.isTTY === true && process.env['TERM'] !== 'dumb' && !values.once;
  return isScreen ? new LiveTop(place, values.view, hasColours(process.env)).run() : printFrame(place);
}

function repeatOf(run: Run, values: OptionValues<typeof topOptions>, given: ReadonlySet<string>): number {
  const repeat = given.has('repeat')
    ? values.repeat
    : run.given.has('repeat')
      ? run.values.repeat
      : values.once
        ? 1
        : -1;
  return repeat < 0 ? Number.POSITIVE_INFINITY : repeat;
}

function readHttp(text: string, problems: string[]): Place['http'] {
  const address = /^\d{1,5}$/.test(text) ? { host: null, port: Number(text) } : splitAddress(text);
  if (address !== null && address.port > 0 && address.port <= 65_535) return address;
  problems.push(`--http: ${JSON.stringify(text)} is not allowed. Allowed: ${topOptions.http.allowed}.`);
  return null;
}

function topHelp(): string {
  const keys = keyHelp.map(([key, does]) => `  ${key.padEnd(26)}${does}`);
  return `Usage: fluxcache [OPTION…] top [OPTION…]

Shows what a node does, and how its cluster is, each second. Where standard output is no terminal, once.

${optionsText(topOptions)}

Keys:
${keys.join('\n')}

Exit status: 0; 1 when the node cannot be reached; 2 when the command line is wrong.
`;
}
