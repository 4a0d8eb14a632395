import { readFileSync } from 'node:fs';
import { isClusterRequest } from './cluster-words.ts';
import { type ReadOptions, readOptions } from './command-line.ts';
import { runCommand, runLines } from './commands.ts';
import { ConnectionError } from './connection.ts';
import { optionsText } from './help-text.ts';
import { RefusedError } from './key-pages.ts';
import { options } from './options.ts';
import { askPassword } from './password-prompt.ts';
import type { Format } from './reply-formats.ts';
import { Exit, type Run, refuse, warn } from './run.ts';
import { targetOf } from './target.ts';

type Read = ReadOptions<typeof options>;

/** Modes that are asked for by an option instead of a command; at most one of them. */
const modes: readonly (readonly [keyof typeof options, (run: Run) => Promise<Exit>])[] = [
  ['pipe', async (run) => (await import('./pipe.ts')).runPipe(run)],
  ['scan', async (run) => (await import('./scan-keys.ts')).runScan(run)],
  ['stat', async (run) => (await import('./stat.ts')).runStat(run)],
  ['latency', async (run) => (await import('./latency.ts')).runLatency(run)],
  ['latencyHistory', async (run) => (await import('./latency.ts')).runLatency(run)],
  ['bigKeys', async (run) => (await import('./largest-keys.ts')).runLargestKeys(run, 'length')],
  ['memoryKeys', async (run) => (await import('./largest-keys.ts')).runLargestKeys(run, 'memory')],
];

/** Runs the program and answers its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  dieQuietlyWithReader();
  try {
    return await run(args);
  } catch (error) {
    if (!(error instanceof ConnectionError) && !(error instanceof RefusedError)) throw error;
    warn(error.message);
    return Exit.error;
  }
}

async function run(args: readonly string[]): Promise<number> {
  const read = readOptions(options, args);
  const command = read.rest[0];
  if (read.problems.length === 0 && command === 'bench') {
    const at = args.length - read.rest.length;
    return (await import('./bench.ts')).runBench([...args.slice(0, at), ...args.slice(at + 1)]);
  }
  if (read.problems.length === 0 && (command === 'import' || command === 'export')) {
    const at = args.length - read.rest.length;
    const others = [...args.slice(0, at), ...args.slice(at + 1)];
    if (command === 'import') return (await import('./transfer/import.ts')).runImport(others);
    return (await import('./transfer/export.ts')).runExport(others);
  }
  if (read.problems.length === 0 && command === 'repair') {
    return (await import('./repair.ts')).runRepair(read.rest.slice(1));
  }
  if (read.asks === 'help') {
    process.stdout.write(helpText());
    return Exit.ok;
  }
  if (read.problems.length === 0 && read.asks === 'version') {
    process.stdout.write(`${version()}\n`);
    return Exit.ok;
  }
  const problems = [...read.problems];
  const target = targetOf(read.values, read.given as ReadonlySet<string>, process.env, problems);
  const mode = modeOf(read, problems);
  contradictions(read, problems);
  if (problems.length > 0) return refuse(problems);

  const password = read.values.askPassword ? await askPassword() : target.password;
  const format = formatOf(read);
  const { values } = read;
  const told: Run = {
    target: { ...target, password },
    resp: values.resp3 || ((format === 'json' || format === 'quoted-json') && !values.resp2) ? 3 : 2,
    values,
    given: read.given as ReadonlySet<string>,
    format,
    delimiters: { element: values.delimiter ?? '\n', reply: values.replyDelimiter ?? '\n' },
  };
  if (mode !== undefined) return mode(told);
  if (isClusterRequest(read.rest)) return (await import('./cluster.ts')).runCluster(told, read.rest.slice(1));
  if (command === 'top') return (await import('./top/top.ts')).runTop(told, read.rest.slice(1));
  if (command === 'invalidate') return (await import('./invalidate.ts')).runInvalidate(told, read.rest.slice(1));
  if (command === 'snapshot') return (await import('./snapshot.ts')).runSnapshot(told, read.rest.slice(1));
  if (command !== undefined) return runCommand(told, read.rest);
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) return runLines(told);
  return (await import('./shell.ts')).runShell(told);
}

function modeOf(read: Read, problems: string[]): ((run: Run) => Promise<Exit>) | undefined {
  if (read.values.hotKeys) {
    problems.push('--hotkeys is not offered: servers tell no list of them. See --bigkeys and --memkeys.');
  }
  const asked = modes.filter(([name]) => read.values[name] === true);
  const flagOf = (name: keyof typeof options) => options[name].flags[0] as string;
  if (asked.length > 1) {
    problems.push(`${asked.map(([name]) => flagOf(name)).join(' and ')} contradict each other: only one can be run.`);
  }
  const [first] = asked;
  if (first !== undefined && read.rest.length > 0) {
    const word = JSON.stringify(read.rest[0]);
    problems.push(`${flagOf(first[0])} takes no command, but was given ${word}.`);
  }
  return first?.[1];
}

function contradictions({ values, given, rest }: Read, problems: string[]): void {
  if (values.resp2 && values.resp3) problems.push('-2 and -3 contradict each other.');
  const formats = (['raw', 'noRaw', 'csv', 'json', 'quotedJson'] as const).filter((name) => values[name]);
  if (formats.length > 1) {
    problems.push(`${formats.map((name) => options[name].flags[0]).join(' and ')} contradict each other.`);
  }
  if (values.lastFromInput && given.has('tagFromInput')) problems.push('-x and -X contradict each other.');
  if ((values.lastFromInput || given.has('tagFromInput')) && rest.length === 0) {
    problems.push('-x and -X need a command to give what is read to.');
  }
}

function formatOf({ values }: Read): Format {
  if (values.json) return 'json';
  if (values.quotedJson) return 'quoted-json';
  if (values.csv) return 'csv';
  if (values.raw) return 'raw';
  return values.noRaw || process.stdout.isTTY === true ? 'people' : 'raw';
}

/** A reader of ours that goes away (`| head`) is no error to tell of. */
function dieQuietlyWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(Exit.ok);
    });
  }
}

function helpText(): string {
  return `Usage: fluxcache [OPTION…] [COMMAND [ARGUMENT…]]
       fluxcache top [OPTION…]
       fluxcache cluster REQUEST [OPTION…]
       fluxcache invalidate [OPTION…] TAG…
       fluxcache repair DIR [OPTION…]
       fluxcache snapshot [OPTION…]
       fluxcache export [FILE] [OPTION…]
       fluxcache import [FILE] [OPTION…]
       fluxcache bench [OPTION…]

Sends a command to a server and prints its reply. Without a command: on a terminal a shell, else the commands on
standard input, one a line. Options stand in front of the command. snapshot has the node, or all nodes of its cluster, write
their keys to their disks.

${optionsText(options)}

Other:
  --help                    Print this and exit; fluxcache bench --help, cluster --help and so on are about those.
  --version                 Print the version and exit.

Exit status: 0; 1 when the server cannot be reached or answers an error; 2 when the command line is wrong.
`;
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
