import { TAG_BYTES_MAX } from '../base/cache-limits.ts';
import { tagsByCall } from '../client/tags-by-call.ts';
import type { Reply } from '../protocol/resp/reply.ts';
import type { RequestWord } from '../protocol/resp/request-encoder.ts';
import { optionsFirst, readOptions } from './command-line.ts';
import { Connection, ConnectionError } from './connection.ts';
import { counted } from './counted.ts';
import { optionsText } from './help-text.ts';
import { invalidateOptions } from './invalidate-options.ts';
import { RefusedError } from './key-pages.ts';
import { ProgressBar } from './progress-bar.ts';
import { splitLine } from './quoting.ts';
import { printable } from './reply-formats.ts';
import { Exit, numberOf, openConnection, pause, print, type Run, refuse } from './run.ts';
import { addressText } from './target.ts';
import { Interrupt } from './transfer/interrupt.ts';

const HELP = 'fluxcache invalidate --help';
/** Between two looks at how many keys are left. */
const LOOK_MS = 250;

/** Runs `fluxcache invalidate`; `args` are what stands behind the word. */
export async function runInvalidate(run: Run, args: readonly string[]): Promise<Exit> {
  const read = readOptions(invalidateOptions, optionsFirst(invalidateOptions, args));
  const { values, given, rest, asks } = read;
  if (asks === 'help') {
    await print(invalidateHelp());
    return Exit.ok;
  }
  const problems = [...read.problems];
  const tags = rest.map((word) => tagOf(word, run.values.quotedInput, problems));
  const { match } = values;
  if (problems.length === 0 && match === undefined && tags.length === 0) {
    problems.push('invalidate needs a TAG, or --match PATTERN.');
  }
  if (match !== undefined && tags.length > 0) {
    problems.push(`--match takes no tags, but ${JSON.stringify(rest[0])} was given; quote the pattern.`);
  }
  if (match !== undefined && values.soft) problems.push('--soft is of tags: --match deletes.');
  if (match === undefined && given.has('pageSize')) problems.push('--count needs --match.');
  if (problems.length > 0) return refuse(problems, HELP);

  const connection = await openConnection(run);
  try {
    const beganMs = performance.now();
    const count =
      match === undefined
        ? await invalidateTags(run, connection, tags, values.soft)
        : await deleteMatching(run, connection, match, values.pageSize);
    const tookMs = Math.round(performance.now() - beganMs);
    // `fluxcache --json invalidate …` is as good as `fluxcache invalidate … --json`.
    const isJson = values.json || run.format === 'json';
    if (isJson)
      await print(`${JSON.stringify(match === undefined ? { tags: count, tookMs } : { deleted: count, tookMs })}\n`);
    else if (match === undefined) await print(`${counted(count, 'tag')} invalidated in ${tookMs} ms.\n`);
    else await print(`${counted(count, 'key')} deleted in ${tookMs} ms.\n`);
    return Exit.ok;
  } finally {
    connection.close();
  }
}

function tagOf(word: string, isQuoted: boolean, problems: string[]): Uint8Array {
  const words = isQuoted ? splitLine(word) : [Buffer.from(word)];
  const [tag] = words ?? [];
  if (tag === undefined || words?.length !== 1) {
    problems.push(`--quoted-input: ${JSON.stringify(word)} is not one quoted text.`);
    return new Uint8Array();
  }
  if (tag.length === 0 || tag.length > TAG_BYTES_MAX) {
    problems.push(`${JSON.stringify(word.slice(0, 40))} is not allowed. Allowed: tags of 1 to ${TAG_BYTES_MAX} bytes.`);
  }
  return tag;
}

/** Answers how many different tags there were. */
async function invalidateTags(run: Run, connection: Connection, tags: readonly Uint8Array[], isSoft: boolean) {
  const bar = new ProgressBar();
  let count = 0;
  let done = 0;
  try {
    for (const call of tagsByCall(distinct(tags))) {
      if (done > 0) bar.showOf(done, tags.length, `${done} of ${counted(tags.length, 'tag')} invalidated`);
      count += await integerOf(run, connection, ['INVALIDATE', isSoft ? 'SOFT' : 'HARD', ...call]);
      done += call.length;
    }
  } catch (error) {
    if (done > 0 && error instanceof Error)
      error.message += ` ${done} of ${counted(tags.length, 'tag')} were invalidated before.`;
    throw error;
  } finally {
    bar.end();
  }
  return count;
}

function distinct(tags: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...new Map(tags.map((tag) => [Buffer.from(tag).toString('latin1'), tag])).values()];
}

/** Answers how many keys were deleted. One command deletes them all; how far it is, another connection looks at. */
async function deleteMatching(run: Run, connection: Connection, pattern: string, pageSize: number): Promise<number> {
  const words = ['DELMATCH', pattern, ...(pageSize === 0 ? [] : ['COUNT', pageSize])];
  const interrupt = new Interrupt();
  const deleting = integerOf(run, connection, words).finally(() => interrupt.end());
  interrupt.onAsked = () => connection.endInput();
  const isDone = deleting.then(
    () => true,
    () => true,
  );
  await showKeysLeft(run, printable(pattern), isDone);
  try {
    return await deleting;
  } catch (error) {
    if (interrupt.isAsked) throw new RefusedError(interruptedText(error));
    throw error;
  }
}

function interruptedText(error: unknown): string {
  const [, count] = /; (\d+) keys were removed before/.exec(error instanceof Error ? error.message : '') ?? [];
  // A server that knows nothing of it goes on.
  if (count === undefined) return 'It was interrupted, and the server did not say how many keys were deleted.';
  return `It was interrupted: ${counted(Number(count), 'key')} deleted; those that were not come to are still there.`;
}

/** Shows how many keys are left until it is done. What cannot be looked at is not shown: it is no reason to fail. */
async function showKeysLeft(run: Run, pattern: string, isDone: Promise<boolean>): Promise<void> {
  const bar = new ProgressBar();
  const beganMs = performance.now();
  const waited = () => Promise.race([isDone, pause(LOOK_MS).then(() => false)]);
  let watching: Connection | null = null;
  let first: number | undefined;
  try {
    while (!(await waited())) {
      watching ??= await Connection.open(run.target, 2);
      const keys = numberOf(await watching.request(['DBSIZE']));
      if (keys === undefined) break;
      first ??= keys;
      const seconds = Math.round((performance.now() - beganMs) / 1000);
      // What it looks at, only the server knows; others may write meanwhile.
      bar.tell(`deleting ${pattern}: ${seconds} s; ${keys} keys there are, of ${first} before (Ctrl-C ends it)`);
    }
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
  } finally {
    watching?.close();
    bar.end();
  }
}

async function integerOf(run: Run, connection: Connection, words: readonly RequestWord[]): Promise<number> {
  const reply: Reply = await connection.request(words);
  const integer = numberOf(reply);
  if (integer !== undefined) return integer;
  if (reply.kind === 'error' && /unknown command/i.test(reply.text)) {
    throw new RefusedError(`The server at ${addressText(run.target)} has no command ${words[0]}.`);
  }
  throw new RefusedError(reply.kind === 'error' ? printable(reply.text) : `${words[0]} was answered in a strange way.`);
}

function invalidateHelp(): string {
  return `Usage: fluxcache [OPTION…] invalidate [OPTION…] TAG…
       fluxcache [OPTION…] invalidate --match PATTERN [OPTION…]

Makes all keys that were set with one of the tags invalid, at once and on all nodes, or deletes keys by their names.

${optionsText(invalidateOptions)}

Ctrl-C ends --match with the keys that were deleted until then. Tags are invalid at once.

Exit status: 0; 1 when it is refused or interrupted, or the server cannot be reached; 2 when the command line is wrong.
`;
}
