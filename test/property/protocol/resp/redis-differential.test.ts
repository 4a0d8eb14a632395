/**
 * The same well-formed, damaged and random bytes to redis-server and to the decoder: what both make of them must be the
 * same, byte for byte, error texts included. Zero bytes are left out: to Redis, a line that holds one has no end, so
 * that it waits for more where the decoder says at once what is wrong.
 */
import test from 'ava';
import fc from 'fast-check';
import { encodeErrorLine } from '../../../../src/protocol/resp/reply-encoder.ts';
import { Decoded, RequestDecoder } from '../../../../src/protocol/resp/request-decoder.ts';
import { isRedisInstalled, RedisServer } from '../../../redis-server.ts';
import { exchange } from '../../../resp-connection.ts';
import { latin1, wordsOf } from '../../../resp-decoding.ts';
import { CollectedOutput, encodedReply } from '../../../resp-encoding.ts';
import { requestStream } from '../../../resp-streams.ts';
import { testScale } from '../../../scale.ts';
import { type Bench, modelBench } from '../../../stores.ts';

/** Redis's own. */
const limits = { argsMax: 2 ** 31 - 1, bulkBytesMax: 512 * 1024 * 1024, commandBytesMax: 2 ** 31 };

const compare = isRedisInstalled() ? test : test.skip;

compare(
  'damaged and random bytes are taken for the commands, and refused with the words, of redis-server',
  async (t) => {
    const redis = await RedisServer.start();
    const ends = new Map<string, number>();
    try {
      await fc.assert(
        fc.asyncProperty(requestStream, async (text) => {
          const bytes = latin1(text);
          // An error repeats bytes that are no UTF-8 as such in Redis, and as U+FFFD here, as reading them as UTF-8 does.
          const theirs = (await exchange({ path: redis.path }, bytes)).toString('utf8');
          const { replies, end } = answer(bytes, modelBench());
          ends.set(end, (ends.get(end) ?? 0) + 1);
          // Redis drops replies it has not sent when it finds HTTP.
          const isSame = end === 'HTTP' ? replies.startsWith(theirs) : replies === theirs;
          if (!isSame) throw new Error(JSON.stringify({ sent: text, ours: replies, theirs }));
        }),
        { numRuns: Math.ceil(1500 * testScale), includeErrorInReport: true },
      );
    } finally {
      await redis.stop();
    }
    t.log(ends);
    t.true(ends.size > 5);
  },
);

/** What a server with this decoder answers, and how decoding ended. */
function answer(bytes: Uint8Array, { runner }: Bench): { replies: string; end: string } {
  const decoder = new RequestDecoder(limits);
  const replies: Buffer[] = [];
  decoder.feed(bytes);
  let decoded = decoder.next();
  for (; decoded === Decoded.command; decoded = decoder.next()) {
    const [name = '', ...words] = wordsOf(decoder).map(latin1);
    runner.execute(name, words);
    runner.reader.openWritten(runner.reply);
    replies.push(encodedReply(runner.reader, 2));
  }
  if (decoded === Decoded.protocolError) {
    const output = new CollectedOutput();
    encodeErrorLine(`ERR Protocol error: ${decoder.error}`, output);
    replies.push(output.written);
  }
  const end = ['', 'open', decoder.error, 'HTTP'][decoded] ?? '';
  return { replies: Buffer.concat(replies).toString('utf8'), end: end.replace(/'.'$/, '') };
}
