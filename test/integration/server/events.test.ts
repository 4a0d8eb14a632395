import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { digestOf } from '../../../src/server/access/secrets.ts';
import { type Fixture, type FixtureSettings, startFixture } from './http-fixture.ts';

interface Event {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** A client of server-sent events. */
class EventReader {
  /** What an EventSource would send as Last-Event-ID. */
  lastId = '';
  readonly comments: string[] = [];
  readonly #response: IncomingMessage;
  readonly #events: Event[] = [];
  #isEnded = false;
  #wake: () => void = () => {};
  #text = '';

  private constructor(response: IncomingMessage) {
    this.#response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#take(chunk));
    const ended = (): void => {
      this.#isEnded = true;
      this.#wake();
    };
    response.on('close', ended);
    response.on('error', ended);
  }

  static async open({ url }: Fixture, query = '', headers: Record<string, string> = {}): Promise<EventReader> {
    const request = get(`${url}/v1/events${query}`, { headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
    const reader = new EventReader(response);
    // The first id is sent once the stream listens.
    while (reader.lastId === '' && reader.#events.length === 0) await reader.#more();
    return reader;
  }

  async next(): Promise<Event | null> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.#isEnded) return null;
      await this.#more();
    }
  }

  async take(count: number): Promise<string[]> {
    const taken: string[] = [];
    while (taken.length < count) {
      const event = await this.next();
      if (event === null) return [...taken, 'end'];
      taken.push(`${event.type} ${String(event.data['key'] ?? event.data['reason'] ?? '')}`.trim());
    }
    return taken;
  }

  async comment(): Promise<void> {
    const before = this.comments.length;
    while (this.comments.length === before) await this.#more();
  }

  /** Whether the body came to its proper end. */
  get isWhole(): boolean {
    return this.#response.complete;
  }

  close(): void {
    this.#response.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #take(chunk: string): void {
    this.#text += chunk;
    const blocks = this.#text.split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map<string, string>();
      for (const line of block.split('\n')) {
        const colon = line.indexOf(':');
        if (colon === 0) this.comments.push(line);
        else fields.set(line.slice(0, colon), line.slice(colon + 2));
      }
      this.lastId = fields.get('id') ?? this.lastId;
      const data = fields.get('data');
      if (data !== undefined) {
        this.#events.push({ id: this.lastId, type: fields.get('event') ?? '', data: JSON.parse(data) });
      }
    }
    this.#wake();
  }
}

async function command(fixture: Fixture, ...parts: (string | number)[]): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer all' };
  const answer = await fetch(`${fixture.url}/`, { method: 'POST', headers, body: JSON.stringify(parts) });
  return answer.json();
}

async function started(t: ExecutionContext, settings: FixtureSettings = {}): Promise<Fixture> {
  const fixture = await startFixture({ shardCount: 1, budgetBytes: 32 * 2 ** 20, ...settings });
  t.teardown(async () => {
    await fixture.stop();
    if (fixture.faults.length > 0) throw new Error(fixture.faults.join('\n'));
  });
  return fixture;
}

const eventOptions = { historyBytesMax: 1 << 20, historyMs: 60_000, heartbeatMs: 15_000 };

test.serial('changes of keys are told by type, in their order', async (t) => {
  const fixture = await started(t, { shardCount: 2 });
  const reader = await EventReader.open(fixture);
  await command(fixture, 'SET', 'a', 1);
  await command(fixture, 'INCR', 'a');
  await command(fixture, 'EXPIRE', 'a', 100);
  await command(fixture, 'DEL', 'a', 'nothing');
  await command(fixture, 'SET', 'b', 1, 'PX', 5);
  const events: Event[] = [];
  while (events.length < 7) {
    const event = await reader.next();
    if (event === null) break;
    events.push(event);
  }
  t.deepEqual(
    events.map(({ type, data }) => `${type} ${JSON.stringify(data)}`),
    [
      'set {"key":"a","created":true}',
      'set {"key":"a","created":false}',
      'expire {"key":"a"}',
      'del {"key":"a"}',
      'set {"key":"b","created":true}',
      'expire {"key":"b"}',
      'expired {"key":"b"}',
    ],
  );
  t.is(new Set(events.map(({ id }) => id)).size, 7);
  await command(fixture, 'FLUSHALL');
  t.deepEqual(await reader.take(2), ['flush', 'flush']);
  await command(fixture, 'INVALIDATE', 'SOFT', 'news');
  t.deepEqual(await reader.take(2), ['invalidate', 'invalidate']);
  reader.close();
});

test.serial('a key that is no text stands in base64', async (t) => {
  const fixture = await started(t);
  const reader = await EventReader.open(fixture);
  await fetch(`${fixture.url}/v1/keys/%FF%0A`, { method: 'PUT', body: 'x' });
  t.deepEqual((await reader.next())?.data, { key: '/wo=', keyEncoding: 'base64', created: true });
  await fetch(`${fixture.url}/v1/keys/a%0Ab`, { method: 'PUT', body: 'x' });
  t.deepEqual((await reader.next())?.data, { key: 'a\nb', created: true });
  reader.close();
});

test.serial('a stream tells of the keys and types it was asked for', async (t) => {
  const fixture = await started(t);
  const matching = await EventReader.open(fixture, '?match=user:*');
  const deleting = await EventReader.open(fixture, '?types=del,expired');
  for (const key of ['user:1', 'other', 'user:2']) await command(fixture, 'SET', key, 1);
  await command(fixture, 'DEL', 'other');
  await command(fixture, 'DEL', 'user:1');
  t.deepEqual(await matching.take(3), ['set user:1', 'set user:2', 'del user:1']);
  t.deepEqual(await deleting.take(2), ['del other', 'del user:1']);
  matching.close();
  deleting.close();
});

test.serial('a client that comes back has what it missed, once', async (t) => {
  const fixture = await started(t);
  const first = await EventReader.open(fixture);
  await command(fixture, 'SET', 'a', 1);
  t.deepEqual(await first.take(1), ['set a']);
  first.close();
  for (const key of ['b', 'c']) await command(fixture, 'SET', key, 1);
  const byHeader = await EventReader.open(fixture, '', { 'Last-Event-ID': first.lastId });
  t.deepEqual(await byHeader.take(2), ['set b', 'set c']);
  const byQuery = await EventReader.open(fixture, `?lastEventId=${first.lastId}`);
  t.deepEqual(await byQuery.take(2), ['set b', 'set c']);
  await command(fixture, 'SET', 'd', 1);
  t.deepEqual(await byHeader.take(1), ['set d']);
  t.deepEqual(await byQuery.take(1), ['set d']);
  byHeader.close();
  byQuery.close();
});

test.serial('a client that had no event yet comes back to what it missed', async (t) => {
  const fixture = await started(t);
  const first = await EventReader.open(fixture);
  first.close();
  await command(fixture, 'SET', 'a', 1);
  const second = await EventReader.open(fixture, '', { 'Last-Event-ID': first.lastId });
  t.deepEqual(await second.take(1), ['set a']);
  second.close();
});

test.serial('a gap is told when the history holds no more what was missed', async (t) => {
  const fixture = await started(t, { options: { events: { ...eventOptions, historyBytesMax: 2000 } } });
  const first = await EventReader.open(fixture);
  first.close();
  for (let index = 0; index < 50; index++) await command(fixture, 'SET', `k${index}`, 1);
  const second = await EventReader.open(fixture, '', { 'Last-Event-ID': first.lastId });
  const [gap, oldest = ''] = await second.take(2);
  t.is(gap, 'gap history');
  // What is held follows, up to the latest.
  let index = Number(oldest.replace('set k', ''));
  t.true(index > 30 && index < 50);
  for (index++; index < 50; index++) t.deepEqual(await second.take(1), [`set k${index}`]);
  second.close();
});

test.serial('ids of another run, of an ended history, and nonsense are a gap', async (t) => {
  const fixture = await started(t, { options: { events: { ...eventOptions, historyMs: 0 } } });
  const first = await EventReader.open(fixture);
  first.close();
  const before = first.lastId;
  // The history ends once the server knows that the client has gone.
  let latest = await EventReader.open(fixture);
  for (let attempt = 0; latest.lastId.slice(0, 16) === before.slice(0, 16) && attempt < 500; attempt++) {
    latest.close();
    latest = await EventReader.open(fixture);
  }
  t.not(latest.lastId.slice(0, 16), before.slice(0, 16));
  for (const id of [before, `${'0'.repeat(16)}-3`, 'x', `${latest.lastId}99`, '-1']) {
    const reader = await EventReader.open(fixture, '', { 'Last-Event-ID': id });
    t.deepEqual(await reader.take(1), ['gap history'], id);
    reader.close();
  }
  latest.close();
});

test.serial('a quiet stream has comments, and its id moves on with events it does not want', async (t) => {
  const fixture = await started(t, { options: { events: { ...eventOptions, heartbeatMs: 100 } } });
  const reader = await EventReader.open(fixture, '?match=mine');
  const before = reader.lastId;
  await command(fixture, 'SET', 'other', 1);
  await reader.comment();
  await reader.comment();
  t.is(Number(reader.lastId.split('-')[1]), Number(before.split('-')[1]) + 1);
  reader.close();
});

test.serial('a user is told of the keys he may name, and of none without the right to read', async (t) => {
  const accounts = [
    { user: new AccessUser('all', ['read', 'write', 'admin'], ['*']), password: null, tokenDigests: [digestOf('all')] },
    { user: new AccessUser('some', ['read'], ['mine:*']), password: null, tokenDigests: [digestOf('some')] },
    { user: new AccessUser('writer', ['write'], ['*']), password: null, tokenDigests: [digestOf('writer')] },
  ];
  const fixture = await started(t, { accounts });
  const reader = await EventReader.open(fixture, '', { Authorization: 'Bearer some' });
  for (const key of ['theirs:1', 'mine:1', 'theirs:2', 'mine:2']) await command(fixture, 'SET', key, 1);
  t.deepEqual(await reader.take(2), ['set mine:1', 'set mine:2']);
  reader.close();
  const statusOf = async (token: string): Promise<number> => {
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(`${fixture.url}/v1/events`, { headers })).status;
  };
  t.is(await statusOf('writer'), 403);
  t.is(await statusOf('nobody'), 401);
});

test.serial('what is asked for wrongly is refused', async (t) => {
  const fixture = await started(t, { options: { eventStreamsMax: 1 } });
  for (const query of ['?types=sets', '?nope=1', '?match=%', '?match=a&match=b']) {
    const answer = await fetch(`${fixture.url}/v1/events${query}`);
    t.is(answer.status, 400, query);
  }
  const reader = await EventReader.open(fixture);
  const second = await fetch(`${fixture.url}/v1/events`);
  t.is(second.status, 429);
  const head = await fetch(`${fixture.url}/v1/events`, { method: 'HEAD' });
  t.is(head.headers.get('content-type'), head.status === 200 ? 'text/event-stream' : 'application/problem+json');
  reader.close();
});

test.serial('a client that reads nothing is cut off; the others and writers are not held up', async (t) => {
  const events = { ...eventOptions, historyBytesMax: 256 * 1024 };
  const fixture = await started(t, { options: { events }, budgetBytes: 128 * 2 ** 20 });
  const slow = connect(fixture.front.port, '127.0.0.1');
  slow.on('error', () => {});
  await once(slow, 'connect');
  slow.write('GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  // The answer's head shows that the stream has begun; nothing is read after it.
  await once(slow, 'data');
  slow.pause();
  const quick = await EventReader.open(fixture);
  const key = 'k'.repeat(60_000);
  let told = 0;
  const watch = (async () => {
    for (;;) {
      if ((await quick.next()) === null) return;
      told++;
    }
  })();
  const cut = once(slow, 'close');
  let written = 0;
  // Sockets of this machine take some megabytes that nobody reads.
  while (fixture.front.eventReaders > 1 && written < 1000) {
    const answer = await command(fixture, 'SET', key, written);
    t.deepEqual(answer, { result: 'OK' });
    written++;
  }
  t.is(fixture.front.eventReaders, 1);
  t.true(written < 1000);
  slow.resume();
  await cut;
  await command(fixture, 'SET', 'last', 1);
  while (told < written + 1) await new Promise((resolve) => setTimeout(resolve, 5));
  quick.close();
  await watch;
  t.is(told, written + 1);
});

test.serial('a drain ends the streams at once', async (t) => {
  const fixture = await started(t);
  const reader = await EventReader.open(fixture);
  const beganMs = performance.now();
  t.true(await fixture.front.drain());
  t.deepEqual(await reader.take(1), ['end']);
  t.true(reader.isWhole);
  t.true(performance.now() - beganMs < 5000);
});
