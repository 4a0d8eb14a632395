import { createInterface } from 'node:readline';
import { clusterVerbMeant } from './cluster-words.ts';
import type { Connection } from './connection.ts';
import { splitLine } from './quoting.ts';
import { FollowingConnection } from './redirects.ts';
import { formatReply } from './reply-formats.ts';
import { Exit, isSubscription, isUnanswered, openConnection, pause, print, type Run, shown, warn } from './run.ts';
import type { Target } from './target.ts';

/** How long an error is waited for where silence means success. */
const UNANSWERED_MS = 200;

/** Runs the command of the command line, as often as `-r` says. */
export async function runCommand(run: Run, args: readonly string[]): Promise<Exit> {
  const words = await wordsOf(run, args);
  if (typeof words === 'string') {
    warn(words);
    return Exit.usage;
  }
  const route = await openRoute(run);
  const { repeat, interval } = run.values;
  const suggest = (error: string) => {
    const verb = /unknown subcommand/i.test(error) ? clusterVerbMeant(args) : undefined;
    if (verb !== undefined) warn(`Did you mean ${verb}? See fluxcache cluster --help.`);
  };
  let exit: Exit = Exit.ok;
  for (let left = repeat; left !== 0; left--) {
    exit = (await runOne(run, route, words, suggest)) ?? exit;
    if (interval !== undefined && left !== 1) await pause(interval);
  }
  route.connection.close();
  return exit;
}

/** Runs the commands on standard input, one a line, quoted as in the shell. */
export async function runLines(run: Run): Promise<Exit> {
  const route = await openRoute(run);
  let exit: Exit = Exit.ok;
  for await (const line of createInterface({ input: process.stdin.setEncoding('latin1'), crlfDelay: 1 / 0 })) {
    const words = splitLine(line, 'latin1');
    if (words === null) {
      warn(`the quotes do not match: ${Buffer.from(line, 'latin1').toString('utf8')}`);
      exit = Exit.error;
    } else if (words.length > 0) {
      if (/^(quit|exit)$/i.test(String(words[0]))) break;
      exit = (await runOne(run, route, words)) ?? exit;
    }
    if (exit !== Exit.ok && run.values.exitOnError) break;
  }
  route.connection.close();
  return exit;
}

async function openRoute(run: Run): Promise<FollowingConnection> {
  const tell = (text: string) => (run.format === 'people' ? void print(text) : undefined);
  const open = (target: Target) => openConnection({ ...run, target });
  return new FollowingConnection(run.target, await openConnection(run), open, tell);
}

/** Sends one command and shows its reply. Answers an exit status when it failed. */
async function runOne(
  run: Run,
  route: FollowingConnection,
  words: readonly Uint8Array[],
  onError: (text: string) => void = () => undefined,
): Promise<Exit | undefined> {
  const { connection } = route;
  if (isSubscription(words)) return listen(run, connection, words);
  if (isUnanswered(words)) return sendUnanswered(run, connection, words);
  const reply = await (run.values.followRedirects ? route.request(words) : connection.request(words));
  await print(shown(reply, words, run));
  if (reply.kind !== 'error') return undefined;
  onError(reply.text);
  return Exit.error;
}

/** Sends a command that has no answer when it succeeds: the end of the connection is as good as silence. */
async function sendUnanswered(run: Run, connection: Connection, words: readonly Uint8Array[]) {
  let exit: Exit | undefined;
  connection.onUnasked = (reply) => {
    void print(shown(reply, words, run));
    if (reply.kind === 'error') exit = Exit.error;
  };
  const ended = new Promise<void>((resolve) => {
    connection.onEnd = () => resolve();
  });
  connection.send(words);
  await Promise.race([ended, pause(UNANSWERED_MS)]);
  return exit;
}

/** Shows what comes until the connection ends, or until the server refuses to send anything. */
function listen(run: Run, connection: Connection, words: readonly Uint8Array[]): Promise<Exit> {
  return new Promise((resolve, reject) => {
    connection.onEnd = reject;
    connection.onUnasked = (reply) => {
      void print(formatReply(reply, run.format, run.delimiters));
      if (reply.kind === 'error') resolve(Exit.error);
    };
    connection.send(words);
  });
}

/** The words to send: those of the command line, with what standard input gives; a text says what is wrong. */
async function wordsOf({ values }: Run, args: readonly string[]): Promise<Uint8Array[] | string> {
  const words: Uint8Array[] = [];
  for (const arg of args) {
    const unquoted = values.quotedInput ? splitLine(arg) : [Buffer.from(arg)];
    if (unquoted?.length !== 1) return `--quoted-input: ${JSON.stringify(arg)} is not one quoted text.`;
    words.push(...unquoted);
  }
  const tag = values.tagFromInput;
  if (!values.lastFromInput && tag === undefined) return words;
  const chunks: Buffer[] = [];
  const at = tag === undefined ? words.length : args.indexOf(tag);
  if (at < 0) return `-X: none of the arguments is ${JSON.stringify(tag)}.`;
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  words.splice(at, 1, Buffer.concat(chunks));
  return words;
}
