import type { Reply } from '../protocol/resp/reply.ts';
import { Connection } from './connection.ts';
import type { OptionValues } from './option-kinds.ts';
import type { options } from './options.ts';
import { type Delimiters, type Format, formatReply, printable } from './reply-formats.ts';
import type { Target } from './target.ts';

/** What one run of the program was told: every mode is given it, and answers the exit status. */
export interface Run {
  readonly target: Target;
  readonly resp: 2 | 3;
  readonly values: OptionValues<typeof options>;
  readonly given: ReadonlySet<string>;
  readonly format: Format;
  readonly delimiters: Delimiters;
}

export const Exit = { ok: 0, error: 1, usage: 2 } as const;
export type Exit = (typeof Exit)[keyof typeof Exit];

export function openConnection(run: Run): Promise<Connection> {
  return Connection.open(run.target, run.resp, (text) => warn(text));
}

export function warn(text: string): void {
  process.stderr.write(`fluxcache: ${text}\n`);
}

/** Prints what is wrong, a line each, and where to read what would be right. */
export function refuse(problems: readonly string[], help = 'fluxcache --help'): Exit {
  for (const problem of problems) warn(problem);
  process.stderr.write(`See ${help}.\n`);
  return Exit.usage;
}

/** Writes to standard output; waits while its reader is slow. */
export function print(text: string | Uint8Array): Promise<void> | void {
  if (process.stdout.write(text)) return;
  return new Promise((resolve) => process.stdout.once('drain', resolve));
}

/** Commands whose replies are text for people although RESP2 has no kind for it. */
const textCommands = new Set([
  'info',
  'lolwut',
  'memory doctor',
  'memory malloc-stats',
  'cluster nodes',
  'cluster info',
  'client list',
  'client info',
  'latency graph',
  'latency doctor',
  'debug htstats',
]);

/** A reply as the run shows it: text commands on a terminal as they are. */
export function shown(reply: Reply, words: readonly Uint8Array[], { format, delimiters }: Run): string | Uint8Array {
  if (format !== 'people' || (reply.kind !== 'bulk' && reply.kind !== 'verbatim')) {
    return formatReply(reply, format, delimiters);
  }
  const [first = '', second = ''] = words.slice(0, 2).map((word) => Buffer.from(word).toString('latin1').toLowerCase());
  if (!textCommands.has(first) && !textCommands.has(`${first} ${second}`)) {
    return formatReply(reply, format, delimiters);
  }
  const text = printable(Buffer.from(reply.bytes).toString('utf8'));
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** Whether a command turns the connection into a stream of messages. */
export function isSubscription(words: readonly Uint8Array[]): boolean {
  const first = Buffer.from(words[0] ?? []).toString('latin1');
  return /^(p|s)?subscribe$|^monitor$/i.test(first);
}

/** Whether a command is answered by nothing: what it asks for is silence, or the end. */
export function isUnanswered(words: readonly Uint8Array[]): boolean {
  const text = words.slice(0, 3).map((word) => Buffer.from(word).toString('latin1').toLowerCase());
  return text[0] === 'shutdown' || (text[0] === 'client' && text[1] === 'reply' && /^(off|skip)$/.test(text[2] ?? ''));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Bytes of a reply that must be a bulk or a text. Undefined otherwise. */
export function bytesOf(reply: Reply | undefined): Uint8Array | undefined {
  if (reply?.kind === 'bulk' || reply?.kind === 'verbatim') return reply.bytes;
  return reply?.kind === 'status' ? Buffer.from(reply.text) : undefined;
}

/** The number of a reply that must be an integer. Undefined otherwise. */
export function numberOf(reply: Reply | undefined): number | undefined {
  return reply?.kind === 'integer' ? Number(reply.value) : undefined;
}
