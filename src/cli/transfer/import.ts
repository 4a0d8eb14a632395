import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { globMatches } from '../../command/glob.ts';
import { optionsText } from '../help-text.ts';
import { askPassword } from '../password-prompt.ts';
import { quoteBytes } from '../quoting.ts';
import { Exit, print, refuse, warn } from '../run.ts';
import type { Target } from '../target.ts';
import type { Entry, Item } from './entry.ts';
import { type Clock, EntryWriter, isExpired, type Outcome } from './entry-writer.ts';
import { type FileFormat, formatOf, placeText, readerOf } from './file-formats.ts';
import { isForeseen, sentenceOf } from './foreseen.ts';
import { readImportArgs, type ImportValues as Values } from './import-args.ts';
import { Interrupt } from './interrupt.ts';
import { Progress } from './progress.ts';
import { ServerLink } from './server-link.ts';
import { openServerSource } from './server-source.ts';
import { Tally } from './tally.ts';
import { ownImportOptions } from './transfer-options.ts';

const HELP = 'fluxcache import --help';
const CHUNK_BYTES = 256 * 1024;
/** What is sent in one go, and then waited for. */
const ENTRIES_AT_ONCE = 1000;
const BYTES_AT_ONCE = 1024 * 1024;
/** Where entries come from, opened. */
interface Source {
  /** Bytes or keys, as far as that is known; else 0. */
  readonly total: number;
  readonly clock: Clock;
  items(): AsyncGenerator<readonly Item[]>;
  /** How much of the total was handed out. */
  behind(): number;
  /** How the place of an entry is told; '' where it has none. */
  placeOf(place: number): string;
  close(): void;
}

/** Runs `fluxcache import`; `args` are those of the program without the word itself. */
export async function runImport(args: readonly string[]): Promise<Exit> {
  const read = readImportArgs(args, process.env, process.stdin.isTTY === true);
  if (read.asksHelp) {
    await print(helpText());
    return Exit.ok;
  }
  if (read.problems.length > 0) return refuse(read.problems, HELP);
  const { values, from } = read;
  const target = values.askPassword ? { ...read.target, password: await askPassword() } : read.target;
  return importAll(from, target, values);
}

async function importAll(from: Target | string, target: Target, values: Values): Promise<Exit> {
  const tally = new Tally();
  const interrupt = new Interrupt();
  let progress: Progress | null = null;
  let source: Source | null = null;
  let run: ImportRun | null = null;
  const onWait = (what: string): void => progress?.wait(what);
  const link = new ServerLink(target, { patienceMs: values.timeout, reopens: true, onWait });
  try {
    if (!values.dryRun) await link.open();
    source = typeof from === 'string' ? await openFile(from, values) : await openServer(from, values, onWait);
    progress = new Progress(tally, source.total);
    interrupt.onAsked = () => progress?.ending();
    run = new ImportRun(source, progress, tally, interrupt, values);
    await run.all(values.dryRun ? null : new EntryWriter(link, { onlyNew: values.onlyNew, clock: source.clock }));
    progress.end();
    await print(values.json ? tally.json() : tally.text(values.dryRun ? 'would be imported' : 'imported'));
    if (interrupt.isAsked) warn(`import was interrupted. ${run.resumeText()}`);
    return !interrupt.isAsked && (tally.isWhole || values.lenient) ? Exit.ok : Exit.error;
  } catch (error) {
    progress?.end();
    if (!isForeseen(error)) throw error;
    const before = run === null ? [] : [`${tally.headline('imported')} before.`, run.resumeText()];
    warn([sentenceOf(error, typeof from === 'string' ? from : null), ...before].join(' ').trimEnd());
    return Exit.error;
  } finally {
    interrupt.end();
    source?.close();
    link.close();
  }
}

async function openFile(file: string, values: Values): Promise<Source> {
  const format: FileFormat = formatOf(values.format, file);
  const total = file === '-' ? 0 : (await stat(file)).size;
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
  let behind = 0;
  return {
    total,
    clock: 'absolute',
    behind: () => behind,
    placeOf: (place) => placeText(format, place),
    async *items() {
      const reader = readerOf(format, values.skip);
      for await (const chunk of stream) {
        yield reader.feed(chunk as Buffer);
        behind += (chunk as Buffer).length;
      }
      yield reader.end();
    },
    close: () => stream.destroy(),
  };
}

async function openServer(from: Target, values: Values, onWait: (what: string) => void): Promise<Source> {
  const { match: pattern, type, asJson, timeout: patienceMs } = values;
  const source = await openServerSource(from, { pattern, type, asJson, patienceMs, onWait });
  let behind = 0;
  return {
    total: source.total,
    clock: source.clock,
    behind: () => behind,
    placeOf: () => '',
    async *items() {
      for await (const items of source.items()) {
        yield items;
        behind += items.length;
      }
    },
    close: () => source.close(),
  };
}

/** One import: takes what a source has to a server, the next of it being read while the last is written. */
class ImportRun {
  readonly #source: Source;
  readonly #progress: Progress;
  readonly #tally: Tally;
  readonly #interrupt: Interrupt;
  readonly #values: Values;
  readonly #pattern: Uint8Array | null;
  /** Entries that were read and not sent. */
  #waiting: { readonly place: number; readonly entry: Entry }[] = [];
  #waitingBytes = 0;
  #sent: Promise<void> = Promise.resolve();
  /** The last place of which all up to it is done. */
  #place = 0;

  constructor(source: Source, progress: Progress, tally: Tally, interrupt: Interrupt, values: Values) {
    this.#source = source;
    this.#progress = progress;
    this.#tally = tally;
    this.#interrupt = interrupt;
    this.#values = values;
    this.#pattern = values.match === undefined ? null : Buffer.from(values.match);
  }

  /** `writer`: null for a dry run. */
  async all(writer: EntryWriter | null): Promise<void> {
    try {
      for await (const items of this.#source.items()) {
        for (const item of items) {
          this.#take(item);
          if (this.#waiting.length >= ENTRIES_AT_ONCE || this.#waitingBytes >= BYTES_AT_ONCE) await this.#send(writer);
        }
        this.#progress.reach(this.#source.behind());
        if (this.#interrupt.isAsked) break;
      }
      await this.#send(writer);
    } finally {
      await this.#sent;
    }
  }

  /** How to go on where it ended; '' when there is no way but from the beginning. */
  resumeText(): string {
    return this.#place === 0 ? '' : `Go on with --skip ${this.#place}.`;
  }

  #take(item: Item): void {
    if (item.kind === 'left-out') {
      this.#tally.leaveOut(item.reason);
      return;
    }
    if (item.kind === 'fault') {
      this.#tally.unreadable++;
      this.#progress.fault(`${this.#source.placeOf(item.place)}: left out, as ${item.what}.`);
      return;
    }
    const { entry, place } = item;
    const { type } = this.#values;
    // A server was asked for these only.
    if (place > 0 && type !== 'all' && entry.type !== type) return;
    if (place > 0 && this.#pattern !== null && !globMatches(this.#pattern, entry.key, 0, entry.key.length)) return;
    this.#waiting.push({ place, entry });
    this.#waitingBytes += entry.key.length + entry.value.length;
  }

  /** Sends what waits, once what was sent before is done. */
  async #send(writer: EntryWriter | null): Promise<void> {
    await this.#sent;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (batch.length === 0) return;
    const entries = batch.map(({ entry }) => entry);
    this.#sent = (writer === null ? Promise.resolve(entries.map(imagined)) : writer.write(entries)).then((outcomes) => {
      for (const [at, outcome] of outcomes.entries()) this.#count(outcome, batch[at] as (typeof batch)[number]);
      this.#place = batch.at(-1)?.place ?? 0;
    });
    // Looked at with the next batch, or at the end.
    this.#sent.catch(() => undefined);
  }

  #count(outcome: Outcome, { place, entry }: { readonly place: number; readonly entry: Entry }): void {
    if (outcome === 'written') this.#tally.done++;
    else if (outcome === 'existing') this.#tally.existing++;
    else if (outcome === 'expired') this.#tally.expired++;
    else {
      this.#tally.refuse(outcome.refused);
      const where = this.#source.placeOf(place);
      const key = `key ${quoteBytes(entry.key)}`;
      this.#progress.fault(`${where === '' ? key : `${where}, ${key}`}: refused: ${outcome.refused}`);
    }
  }
}

function imagined(entry: Entry): Outcome {
  return isExpired(entry, Date.now()) ? 'expired' : 'written';
}

function helpText(): string {
  return `Usage: fluxcache [OPTION…] import [FILE] [OPTION…]
       fluxcache [OPTION…] import --from URL [OPTION…]

Writes the entries of FILE (standard input when it is left out, or -), or of another server that runs, to a server. What
it could not read or write it names, and goes on. Doing it twice is as doing it once.

${optionsText(ownImportOptions)}

Options of the connection (-h, -p, -u, -a, --tls and so on) are those of fluxcache --help.

Ctrl-C ends it with what is under way. Exit status: 0; 1 when something was left out, refused, not done, or interrupted; 2 when the command line is wrong.
`;
}
