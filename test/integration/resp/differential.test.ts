/**
 * The same random commands over sockets to redis-server and to a node, in both versions of RESP: the replies must be
 * equal byte for byte. What differs on purpose is named in `intended` here and in redis-commands.ts, and nowhere else.
 */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { slotOf } from '../../../src/base/slot.ts';
import { toBytes } from '../../command-runner.ts';
import {
  bulkText,
  command,
  intended as intendedOfData,
  isComparable,
  normal,
  shownCommand,
  type Words,
} from '../../redis-commands.ts';
import { connectionCommand, transaction } from '../../redis-connection-commands.ts';
import { isRedisInstalled, RedisServer } from '../../redis-server.ts';
import { RespConnection } from '../../resp-connection.ts';
import { testScale } from '../../scale.ts';
import { startNodeFixture } from './node-fixture.ts';

/** Names the intended difference that explains two replies, or returns null. */
function intended(words: Words, ours: string, theirs: string): string | null {
  const name = String(words[0]).toLowerCase();
  if (name === 'readonly' && ours === '+OK\r\n') return 'a node is a cluster of one, which clients may tell this';
  if (name === 'object' && /^\$\d+\r\n(embstr|int|raw)\r\n$/.test(theirs) && ours.startsWith('$')) {
    return 'how a value is told to be encoded follows from its text, not from how it was written';
  }
  if (name === 'object' && ours.startsWith('-ERR When a key was used last')) return 'idle times are not kept';
  if (/^mset(nx)?$/.test(name) && words.length % 2 === 0 && theirs.includes("Can't execute 'mset")) {
    return 'half a pair is refused before anything else is looked at';
  }
  const isOfPrefix = /^-ERR Prefix '.*Prefixes for a single client must not overlap/s;
  if (words.some((word) => typeof word === 'object') && isOfPrefix.test(ours) && isOfPrefix.test(theirs)) {
    return "a prefix is repeated whole, in Redis's error up to a zero byte";
  }
  return intendedOfData(words, ours, theirs);
}

/** MSETNX wants all its keys on one shard; where one is not, the two go apart. */
function isOfOneSlot(words: Words): boolean {
  if (String(words[0]).toLowerCase() !== 'msetnx') return true;
  const keys = words
    .slice(1)
    .filter((_, index) => index % 2 === 0)
    .map(toBytes);
  return new Set(keys.map((key) => slotOf(key, 0, key.length))).size <= 1;
}

/** What is a number of each server's own becomes the same. */
function masked(words: Words, reply: string): string {
  // A message that is pushed stands in front of a reply: what HELLO answers may come in another command's place.
  return normal(words, reply.replace(/(\$6\r\nserver\r\n[\s\S]*\$2\r\nid\r\n:)\d+/, '$1ID'));
}

const compare = isRedisInstalled() ? test.serial : test.serial.skip;

const sequence = fc
  .array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: command.filter((words) => isComparable(words) && isOfOneSlot(words)).map((words) => [words]),
      },
      { weight: 3, arbitrary: connectionCommand.map((words) => [words]) },
      { weight: 1, arbitrary: transaction },
    ),
    { minLength: 1, maxLength: 50, size: 'max' },
  )
  .map((parts) => parts.flat());

for (const version of ['2', '3']) {
  compare(`random commands in RESP${version} have the replies of redis-server, byte for byte`, (t) =>
    run(t, version, askEach),
  );
  compare(`random commands in RESP${version} sent in one write have the same replies, in their order`, (t) =>
    run(t, version, askAtOnce),
  );
}

/** Has both servers run a sequence; tells the replies of each, one a command. */
type Ask = (commands: readonly Words[], ours: RespConnection, theirs: RespConnection, tell: Tell) => Promise<void>;
/** Returns the difference when it is an intended one. */
type Tell = (words: Words, our: string, their: string) => string | null;

async function askEach(
  commands: readonly Words[],
  ours: RespConnection,
  theirs: RespConnection,
  tell: Tell,
): Promise<void> {
  for (const words of commands) {
    const [our, their] = await Promise.all([ask(ours, words), ask(theirs, words)]);
    const reason = tell(words, our, their);
    if (reason?.includes('decimals')) await theirs.send([['SET', words[1] ?? '', bulkText(our), 'KEEPTTL']]);
  }
}

/** What takes a second look, at the next page or at how far two sums are apart, is left out. */
async function askAtOnce(
  sequence: readonly Words[],
  ours: RespConnection,
  theirs: RespConnection,
  tell: Tell,
): Promise<void> {
  const commands = sequence.filter(([name]) => !/^(scan|incrbyfloat)$/i.test(String(name)));
  const [our, their] = await Promise.all([ours.send(commands), theirs.send(commands)]);
  for (const [index, words] of commands.entries()) {
    tell(words, our[index]?.toString('latin1') ?? '', their[index]?.toString('latin1') ?? '');
  }
}

/** The reply as latin1; of a SCAN all there is, since a node of two shards needs two calls for it where Redis needs one. */
async function ask(connection: RespConnection, words: Words): Promise<string> {
  const [reply = Buffer.alloc(0)] = await connection.send([words]);
  const text = reply.toString('latin1');
  const page = /^\*2\r\n\$\d+\r\n(\d+)\r\n\*(\d+)\r\n([\s\S]*)$/.exec(text);
  if (String(words[0]).toLowerCase() !== 'scan' || page === null || page[1] === '0') return text;
  const [, cursor = '', count, keys] = page;
  const rest = await ask(connection, ['scan', cursor, ...words.slice(2)]);
  return rest.replace(/\*(\d+)\r\n/g, (head, more, at) =>
    at === 0 ? head : `*${Number(count) + Number(more)}\r\n${keys}`,
  );
}

async function run(t: ExecutionContext, version: string, askAll: Ask): Promise<void> {
  const { node } = await startNodeFixture(t, { eviction: 'noeviction' });
  const redis = await RedisServer.start();
  const explained = new Map<string, number>();
  let compared = 0;
  const tell: Tell = (words, our, their) => {
    compared++;
    const mine = masked(words, our);
    const redisOwn = masked(words, their);
    if (mine === redisOwn) return null;
    const reason = intended(words, mine, redisOwn);
    if (reason === null) {
      throw new Error(`${shownCommand(words)}: ours ${JSON.stringify(mine)}, theirs ${JSON.stringify(redisOwn)}`);
    }
    explained.set(reason, (explained.get(reason) ?? 0) + 1);
    return reason;
  };
  try {
    await fc.assert(
      fc.asyncProperty(sequence, async (commands) => {
        const ours = await RespConnection.open({ host: '127.0.0.1', port: node.tcpPort });
        const theirs = await RespConnection.open({ path: redis.path });
        try {
          await askAll([['FLUSHALL'], ['HELLO', version], ...commands], ours, theirs, tell);
        } finally {
          ours.close();
          theirs.close();
        }
      }),
      { numRuns: Math.ceil(120 * testScale), includeErrorInReport: true },
    );
  } finally {
    await redis.stop();
  }
  t.log(`${compared} replies compared`, explained);
  t.true(compared > 1000);
}
