import { createServer, type Server } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { SeededRandom } from '../simulation/random.ts';
import { FaultTable } from './fault-table.ts';
import { outcomeOf, WrongAnswer } from './recording-client.ts';
import { readTortureOptions } from './torture-options.ts';
import { type TroubledCluster, World } from './world.ts';

interface Entry {
  readonly value: unknown;
  readonly version: number;
}

/** A node as the harness sees it, in this process, which a test can have go wrong. */
class PlainNode {
  readonly entries = new Map<string, Entry>();
  /** Looked at before each write: true has it acknowledged and forgotten. */
  forgets: (key: string) => boolean = () => false;
  /** Answers reads by what was there so many writes of the key ago. */
  staleBy = 0;
  readonly #former = new Map<string, Entry[]>();
  #version = 0;

  answer(method: string, url: URL, body: unknown): readonly [status: number, document: object] {
    const key = url.searchParams.get('key') ?? '';
    if (Array.isArray(body)) {
      const keys = body.slice(1).map(String);
      return [200, { result: keys.map((name) => this.entries.get(name)?.value ?? null) }];
    }
    if (method === 'GET') {
      const former = this.#former.get(key) ?? [];
      const entry = this.staleBy > 0 ? (former.at(-1 - this.staleBy) ?? former[0]) : this.entries.get(key);
      return entry === undefined ? [404, { error: 'no-such-key' }] : [200, entry];
    }
    if (method === 'DELETE') return [200, { deleted: this.entries.delete(key) }];
    return this.#set(body as { key: string; value: unknown; ifVersion?: number });
  }

  #set({ key, value, ifVersion }: { key: string; value: unknown; ifVersion?: number }): readonly [number, object] {
    if (ifVersion !== undefined && this.entries.get(key)?.version !== ifVersion) return [409, { error: 'conflict' }];
    const entry = { value, version: ++this.#version };
    if (!this.forgets(key)) {
      this.entries.set(key, entry);
      this.#former.set(key, [...(this.#former.get(key) ?? []), entry]);
    }
    return [200, { ok: true, version: entry.version }];
  }
}

async function worldOf(t: ExecutionContext, node: PlainNode): Promise<World> {
  const server: Server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const text = Buffer.concat(pieces).toString();
      const url = new URL(request.url ?? '/', 'http://localhost');
      const [status, document] = node.answer(request.method ?? '', url, text === '' ? null : JSON.parse(text));
      response.writeHead(status).end(JSON.stringify(document));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const httpPort = typeof address === 'object' && address !== null ? address.port : 0;
  const parts: Partial<Record<keyof TroubledCluster, unknown>> = {
    table: new FaultTable(),
    names: ['n1'],
    running: ['n1'],
    node: () => ({ name: 'n1', httpPort }),
    isWell: async () => undefined,
  };
  return new World({
    cluster: parts as TroubledCluster,
    random: new SeededRandom(7),
    clients: 4,
    keys: 4,
    leaseMs: 700,
    say: () => undefined,
  });
}

const underLoad = (world: World): Promise<void> => world.sleep(150);

test('a round in which nothing is wrong passes, and counts', async (t) => {
  const world = await worldOf(t, new PlainNode());
  const { tally, operations } = await world.play(underLoad);
  t.true(tally.done > 0 && tally.refused === 0 && tally.lost === 0);
  t.true(operations > tally.done);
  t.true(world.ledger.count > 0);
});

test('a write that was acknowledged and is gone is found by the ledger', async (t) => {
  const node = new PlainNode();
  const world = await worldOf(t, node);
  node.forgets = (key) => key === 'ledger:0';
  await t.throwsAsync(world.play(underLoad), {
    name: 'Violation',
    message: /1 acknowledged writes are lost: ledger:0/,
  });
});

test('a ledger remembers what was lost after it was checked', async (t) => {
  const node = new PlainNode();
  const world = await worldOf(t, node);
  await world.play(underLoad);
  node.entries.delete('ledger:0');
  await world.ledger.check();
  await t.throwsAsync(world.ledger.check(true), { message: /ledger:0/ });
});

test('a stale read is found by the checker', async (t) => {
  const node = new PlainNode();
  const world = await worldOf(t, node);
  const scenario = async (): Promise<void> => {
    await world.sleep(100);
    node.staleBy = 1;
    await world.sleep(150);
  };
  await t.throwsAsync(world.play(scenario), { name: 'Violation' });
});

test('an answer that no node may give ends the round at once', async (t) => {
  const node = new PlainNode();
  const world = await worldOf(t, node);
  node.answer = () => [400, { error: 'bad-request', retryable: false }];
  await t.throwsAsync(
    world.play(() => new Promise(() => undefined)),
    { name: 'WrongAnswer', message: /400/ },
  );
});

test('what is in doubt is told from what was not done', (t) => {
  const answer = (status: number, body: object) =>
    ({ kind: 'answer', status, body: body as Record<string, unknown> }) as const;
  const set = { kind: 'set', value: 5 } as const;
  t.deepEqual(outcomeOf(set, { kind: 'lost', reason: 'x' }), { type: 'indeterminate' });
  t.like(outcomeOf(set, { kind: 'refused', reason: 'x' }), { type: 'refused' });
  t.like(outcomeOf({ kind: 'get' }, { kind: 'lost', reason: 'x' }), { type: 'refused' });
  t.deepEqual(outcomeOf(set, answer(500, { error: 'indeterminate' })), { type: 'indeterminate' });
  t.like(outcomeOf(set, answer(503, { error: 'cluster-down', retryable: true })), { type: 'refused' });
  t.deepEqual(outcomeOf(set, answer(200, { version: 9 })), { type: 'returned', result: { type: 'done', version: 9 } });
  t.like(outcomeOf({ kind: 'cas', expected: 1, value: 5 }, answer(409, { error: 'conflict' })), {
    result: { type: 'not-done' },
  });
  t.like(outcomeOf({ kind: 'delete' }, answer(200, { deleted: false })), { result: { type: 'not-done' } });
  t.throws(() => outcomeOf(set, answer(500, { error: 'internal' })), { instanceOf: WrongAnswer });
});

test('options are read, and nonsense is told', (t) => {
  t.like(readTortureOptions(['--minutes', '0.5', '--seed', '9']), { minutes: 0.5, seed: 9, nodes: 3, scenario: null });
  t.is(readTortureOptions(['--help']), null);
  t.regex(String(readTortureOptions(['--minutes', 'x'])), /--minutes takes a number from/);
  t.regex(String(readTortureOptions(['--nodes', '3.5'])), /--nodes takes a whole number from 3 to 7/);
  t.regex(String(readTortureOptions(['--scenario', 'x'])), /no scenario x/);
  t.regex(String(readTortureOptions(['--what'])), /--what/);
});
