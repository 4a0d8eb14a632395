import { createConnection, type NetConnectOpts, type Socket } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import { encodeRequest } from '../../../src/protocol/resp/request-encoder.ts';
import { isRedisInstalled, RedisServer } from '../../redis-server.ts';
import { testScale } from '../../scale.ts';
import { startNodeFixture } from './node-fixture.ts';

const PATIENCE_MS = 10_000;
let sentinels = 0;

/** A connection that gives all bytes which came up to the answer of a PING. */
class RawClient {
  readonly #socket: Socket;
  #received = '';
  #onNews: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#onNews();
    });
    socket.on('error', () => undefined);
  }

  static async open(target: NetConnectOpts): Promise<RawClient> {
    const socket = createConnection({ ...target, noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawClient(socket);
  }

  async run(words: readonly string[]): Promise<string> {
    // Of one length, for that comes in front of it.
    const sentinel = `sentinel-${String(++sentinels).padStart(8, '0')}`;
    this.#socket.write(Buffer.concat([encodeRequest(words), encodeRequest(['ping', sentinel])]));
    const endMs = performance.now() + PATIENCE_MS;
    while (!this.#received.endsWith(`${sentinel}\r\n`)) {
      if (performance.now() > endMs) throw new Error(`no answer: ${words.join(' ')} → ${this.#received}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#onNews = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const text = this.#received.replace(sentinel, 'sentinel');
    this.#received = '';
    return text;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Two connections to one server: what a test does is done by the first, messages are published by the second, too. */
class Side {
  readonly #first: RawClient;
  readonly #second: RawClient;

  private constructor(first: RawClient, second: RawClient) {
    this.#first = first;
    this.#second = second;
  }

  static async open(target: NetConnectOpts, resp: number): Promise<Side> {
    const side = new Side(await RawClient.open(target), await RawClient.open(target));
    if (resp === 3) await side.#first.run(['hello', '3']);
    return side;
  }

  /** What the first connection got, and the reply of the second when that ran the command. */
  async run({ bySecond, words }: Step): Promise<string> {
    if (!bySecond) return this.#first.run(words);
    const reply = await this.#second.run(words);
    return reply + (await this.#first.run(['ping']));
  }

  /** Leaves nothing subscribed behind, which a server would notice later only that the connections are closed. */
  async end(): Promise<void> {
    await this.#first.run(['reset']);
    this.#first.close();
    this.#second.close();
  }
}

interface Step {
  readonly bySecond: boolean;
  readonly words: readonly string[];
}

const channel = fc.constantFrom('a', 'b', 'news.x', '', 'A');
const pattern = fc.constantFrom('a*', '*', '[ab]', 'news.?', 'a', '\\a', 'x*');
const several = (name: string, of: fc.Arbitrary<string>, min = 0): fc.Arbitrary<string[]> =>
  fc.array(of, { minLength: min, maxLength: 3 }).map((names) => [name, ...names]);
const trackingWord = fc.constantFrom(
  'bcast',
  'optin',
  'optout',
  'noloop',
  'prefix',
  'redirect',
  'x',
  'xy',
  'y',
  '99999',
  '0',
  'z9',
);
const ownWords = fc.oneof(
  { weight: 3, arbitrary: several('subscribe', channel) },
  { weight: 2, arbitrary: several('psubscribe', pattern) },
  several('ssubscribe', channel),
  { weight: 2, arbitrary: several('unsubscribe', channel) },
  several('punsubscribe', pattern),
  several('sunsubscribe', channel),
  fc.tuple(fc.constantFrom('publish', 'spublish'), channel, fc.constantFrom('', 'hello', '\u00ff')),
  fc.constantFrom(
    ['ping'],
    ['ping', 'x'],
    ['ping', 'x', 'y'],
    ['get', 'absent'],
    ['client', 'getname'],
    ['reset'],
    ['publish', 'a'],
    ['nonsense', 'x'],
    ['pubsub'],
    ['pubsub', 'nonsense'],
    ['pubsub', 'numpat', 'x'],
    ['pubsub', 'channels', 'a', 'b'],
    ['client', 'trackinginfo'],
    ['client', 'getredir'],
    ['client', 'tracking', 'off'],
    ['client', 'caching', 'yes'],
    ['client', 'caching', 'no'],
    ['client', 'caching', 'perhaps'],
    ['client', 'tracking'],
  ),
  {
    weight: 3,
    arbitrary: fc
      .array(trackingWord, { maxLength: 4 })
      .map((words) => ['client', 'tracking', 'on', ...words])
      .filter(hasNoKnownDefect),
  },
  several('pubsub', fc.constant('numpat'), 1).map((words) => words.slice(0, 2)),
  fc.tuple(fc.constantFrom('channels', 'shardchannels'), pattern).map((words) => ['pubsub', ...words]),
  fc.tuple(fc.constantFrom('numsub', 'shardnumsub'), channel, channel).map((words) => ['pubsub', ...words]),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: ownWords.map((words) => ({ bySecond: false, words })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('publish', 'spublish'), channel, fc.constantFrom('', 'hi'))
      .map((words) => ({ bySecond: true, words })),
  },
);

/** Redis answers overlapping prefixes twice, with the error and with OK, unless it is the first that overlaps. */
function hasNoKnownDefect(words: readonly string[]): boolean {
  const prefixes = words.filter((_word, index) => words[index - 1] === 'prefix');
  return new Set(prefixes.map((prefix) => prefix[0])).size === prefixes.length;
}

/** In which order channels are left, listed, or patterns matched is chance in Redis. */
function comparable({ words }: Step, output: string): string {
  const name = (words[0] ?? '').toLowerCase();
  const isUnordered = /^p?s?unsubscribe$|^s?publish$|^pubsub$/.test(name);
  return isUnordered ? output.split('\r\n').sort().join('\r\n') : output;
}

const checked = isRedisInstalled() ? test : test.skip;

checked('channels and tracking are answered as redis-server does, byte for byte', async (t) => {
  const { node } = await startNodeFixture(t);
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(2, 3), fc.array(step, { minLength: 10, maxLength: 60 }), async (resp, steps) => {
      const ours = await Side.open({ port: node.tcpPort, host: '127.0.0.1' }, resp);
      const theirs = await Side.open({ path: redis.path }, resp);
      try {
        for (const next of steps) {
          const [mine, expected] = await Promise.all([ours.run(next), theirs.run(next)]);
          if (comparable(next, mine) === comparable(next, expected)) continue;
          throw new Error(
            `${JSON.stringify(next)}\nours:   ${JSON.stringify(mine)}\ntheirs: ${JSON.stringify(expected)}`,
          );
        }
      } finally {
        await Promise.all([ours.end(), theirs.end()]);
      }
    }),
    { numRuns: Math.ceil(25 * testScale), includeErrorInReport: true, interruptAfterTimeLimit: 60_000 * testScale },
  );
  t.pass();
});
