import type { Clock } from '../../base/ports.ts';
import type { Args } from '../../command/args.ts';
import type { SlowLogEntry, SlowLogPort } from '../../command/control.ts';
import type { TraceContext } from '../../protocol/http/trace-context.ts';
import type { SlowReport } from './slow-report.ts';

/** As Redis: of a command at most so many words are kept, the last of them telling how many more there were. */
const WORDS_MAX = 32;
/** As Redis: of a longer word so many bytes are kept, and how many more there were is told behind them. */
const WORD_BYTES_MAX = 128;

/** Commands that hold passwords: of these no arguments are kept. */
const SECRETIVE = ['auth', 'hello'];
const REDACTED = Buffer.from('(redacted)');

/** Who sent a slow command. */
interface Sender {
  readonly address: string;
  readonly name: string;
  readonly protocol: 'http' | 'resp' | 'msgpack';
}

/**
 * The last commands that took longer than a threshold. Whoever runs commands compares a duration it has measured anyway
 * with `thresholdMs`, and calls `add` only for what is slower: a command that is not costs one comparison.
 */
export class SlowLog implements SlowLogPort {
  /** Durations above it are slow. Infinity: none is. */
  thresholdMs = 10;
  /** Tells the node's log, too; null: nobody asked for that. */
  readonly report: SlowReport | null;
  readonly #clock: Clock;
  /** The oldest first. */
  #entries: SlowLogEntry[] = [];
  #nextId = 0;
  #lengthMax: number;

  constructor(clock: Clock, lengthMax: number, report: SlowReport | null = null) {
    this.report = report;
    this.#clock = clock;
    this.#lengthMax = lengthMax;
  }

  get length(): number {
    return this.#entries.length;
  }

  get lengthMax(): number {
    return this.#lengthMax;
  }

  set lengthMax(count: number) {
    this.#lengthMax = count;
    this.#trim();
  }

  /** Keeps a command; without `args` only its name, where these are gone. A subcommand is the first of `args`. */
  add(
    commandName: string,
    args: Args | null,
    durationMs: number,
    { address, name, protocol }: Sender,
    trace: TraceContext | null = null,
  ): void {
    this.report?.tell({ command: commandName, durationMs, protocol, address, clientName: name, trace });
    this.#entries.push({
      id: this.#nextId++,
      atMs: this.#clock.nowMs(),
      durationUs: Math.round(durationMs * 1000),
      words: wordsOf(commandName, args),
      address,
      clientName: name,
    });
    this.#trim();
  }

  *latest(count: number): Iterable<SlowLogEntry> {
    const last = Math.max(0, this.#entries.length - count);
    for (let at = this.#entries.length - 1; at >= last; at--) yield this.#entries[at] as SlowLogEntry;
  }

  clear(): void {
    this.#entries = [];
  }

  #trim(): void {
    const over = this.#entries.length - this.#lengthMax;
    if (over > 0) this.#entries.splice(0, over);
  }
}

function wordsOf(commandName: string, args: Args | null): readonly Uint8Array[] {
  if (args === null) return commandName.split('|').map((word) => Buffer.from(word));
  // The subcommand stands among the arguments as it was written.
  const words: Uint8Array[] = [Buffer.from(commandName.replace(/\|.*/, ''))];
  const isLong = args.count + 1 > WORDS_MAX;
  const shown = isLong ? WORDS_MAX - 2 : args.count;
  const isSecret = SECRETIVE.includes(commandName);
  for (let index = 0; index < shown; index++) words.push(isSecret ? REDACTED : shortened(args, index));
  if (isLong) words.push(Buffer.from(`... (${args.count - shown} more arguments)`));
  return words;
}

function shortened(args: Args, index: number): Uint8Array {
  const length = args.byteLength(index);
  if (length <= WORD_BYTES_MAX) return args.copy(index);
  const more = Buffer.from(`... (${length - WORD_BYTES_MAX} more bytes)`);
  return Buffer.concat([args.view(index).subarray(0, WORD_BYTES_MAX), more]);
}
