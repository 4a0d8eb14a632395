import { fstatSync } from 'node:fs';
import { optionsFirst, readOptions } from '../command-line.ts';
import { optionsText } from '../help-text.ts';
import type { OptionValues } from '../option-kinds.ts';
import { askPassword } from '../password-prompt.ts';
import { quoteBytes } from '../quoting.ts';
import { Exit, print, refuse, warn } from '../run.ts';
import { type Target, targetOf } from '../target.ts';
import type { Entry, Item } from './entry.ts';
import { encodeEntries, formatOf } from './file-formats.ts';
import { isForeseen, sentenceOf } from './foreseen.ts';
import { Interrupt } from './interrupt.ts';
import { type Output, openOutput } from './output-file.ts';
import { Progress } from './progress.ts';
import { openServerSource, type ServerSource } from './server-source.ts';
import { Tally } from './tally.ts';
import { exportOptions, ownExportOptions } from './transfer-options.ts';

type Values = OptionValues<typeof exportOptions>;

const HELP = 'fluxcache export --help';

/** Runs `fluxcache export`; `args` are those of the program without the word itself. */
export async function runExport(args: readonly string[]): Promise<Exit> {
  const { values, given, rest, problems: found, asks } = readOptions(exportOptions, optionsFirst(exportOptions, args));
  if (asks === 'help') {
    await print(helpText());
    return Exit.ok;
  }
  const problems = [...found];
  if (rest.length > 1) problems.push(`export takes one file, but was given ${rest.length}.`);
  const file = rest[0] ?? '-';
  if (file === '-' && formatOf(values.format, file) === 'msgpack' && process.stdout.isTTY === true) {
    problems.push('MessagePack is not for a terminal: name a file, or let another program read it.');
  }
  let target = targetOf(values, given, process.env, problems);
  if (problems.length > 0) return refuse(problems, HELP);
  if (values.askPassword) target = { ...target, password: await askPassword() };
  return exportTo(file, target, values);
}

async function exportTo(file: string, target: Target, values: Values): Promise<Exit> {
  const { match: pattern, type, timeout: patienceMs } = values;
  let progress: Progress | null = null;
  let output: Output | null = null;
  let source: ServerSource | null = null;
  const tally = new Tally();
  const interrupt = new Interrupt();
  try {
    const onWait = (what: string): void => progress?.wait(what);
    source = await openServerSource(target, { pattern, type, asJson: false, patienceMs, onWait });
    output = await openOutput(file);
    progress = new Progress(tally, source.total, file === '-' && !fstatSync(1).isFile());
    interrupt.onAsked = () => progress?.ending();
    await writeAll(source, output, progress, tally, interrupt, values, file);
    progress.end();
    if (interrupt.isAsked) {
      await output.abandon();
      warn('export was interrupted.');
      return Exit.error;
    }
    await output.finish();
    // Standard output may be what was exported.
    process.stderr.write(values.json ? tally.json() : tally.text('exported'));
    return tally.isWhole ? Exit.ok : Exit.error;
  } catch (error) {
    progress?.end();
    await output?.abandon();
    if (!isForeseen(error)) throw error;
    warn(sentenceOf(error, file));
    return Exit.error;
  } finally {
    interrupt.end();
    source?.close();
  }
}

async function writeAll(
  source: ServerSource,
  output: Output,
  progress: Progress,
  tally: Tally,
  interrupt: Interrupt,
  values: Values,
  file: string,
): Promise<void> {
  const format = formatOf(values.format, file);
  for await (const items of source.items()) {
    const entries = entriesOf(items, progress, tally);
    if (entries.length > 0) await output.write(encodeEntries(entries, format));
    tally.done += entries.length;
    progress.reach(tally.done);
    if (interrupt.isAsked) return;
  }
}

function entriesOf(items: readonly Item[], progress: Progress, tally: Tally): Entry[] {
  const entries: Entry[] = [];
  for (const item of items) {
    if (item.kind === 'entry') entries.push(item.entry);
    else if (item.kind === 'left-out') {
      tally.leaveOut(item.reason);
      progress.fault(`key ${quoteBytes(item.key)}: left out, ${item.reason}`);
    }
  }
  return entries;
}

function helpText(): string {
  return `Usage: fluxcache [OPTION…] export [FILE] [OPTION…]

Writes all keys of a server, or of the cluster that it is one of, to FILE (standard output when it is left out, or -): with
value, type, time to live, stale window, tags and content type. FILE has its name once it is whole.

${optionsText(ownExportOptions)}

Options of the connection (-h, -p, -u, -a, --tls and so on) are those of fluxcache --help.

Ctrl-C ends it. Exit status: 0; 1 when something is missing in what was written, or it was interrupted; 2 when the command line is wrong.
`;
}
