import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type Fixture, type FixtureSettings, startFixture } from './http-fixture.ts';

async function started(t: ExecutionContext, settings: FixtureSettings = {}): Promise<Fixture> {
  const fixture = await startFixture({ shardCount: 1, budgetBytes: 32 * 2 ** 20, ...settings });
  t.teardown(async () => {
    await fixture.stop();
    if (fixture.faults.length > 0) throw new Error(fixture.faults.join('\n'));
  });
  return fixture;
}

/** The number of clients that got the message. */
async function publish({ url }: Fixture, message: string): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(['PUBLISH', 'news', message]) });
  return ((await answer.json()) as { result: unknown }).result;
}

test('a subscriber that reads nothing is cut off at its limit; the other goes on', async (t) => {
  const fixture = await started(t, { options: { streamBytesMax: 1 << 20 } });
  const slow = connect(fixture.front.port, '127.0.0.1');
  slow.on('error', () => {});
  await once(slow, 'connect');
  slow.write('GET /subscribe/news HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await once(slow, 'data');
  slow.pause();
  const quick = await fetch(`${fixture.url}/psubscribe/n*`);
  const reader = quick.body?.getReader();
  let bytes = 0;
  const reading = (async () => {
    for (;;) {
      const chunk = await reader?.read();
      if (chunk === undefined || chunk.done) return;
      bytes += chunk.value.length;
    }
  })();
  const message = 'm'.repeat(200_000);
  let published = 0;
  let receivers: unknown = 2;
  // Sockets of this machine take some megabytes that nobody reads.
  while (receivers === 2 && published < 1000) {
    receivers = await publish(fixture, message);
    published++;
  }
  t.is(receivers, 1);
  while (bytes < published * message.length) await new Promise((resolve) => setTimeout(resolve, 5));
  await fixture.front.drain();
  await reading;
  slow.destroy();
});

test('a drain ends the streams of messages at once', async (t) => {
  const fixture = await started(t);
  const streams = await Promise.all(['/subscribe/news', '/psubscribe/*'].map((path) => fetch(fixture.url + path)));
  t.is(await publish(fixture, 'x'), 2);
  const texts = Promise.all(streams.map((stream) => stream.text()));
  t.true(await fixture.front.drain());
  t.deepEqual(await texts, [
    'data: subscribe,news,1\n\ndata: message,news,x\n\n',
    'data: psubscribe,*,1\n\ndata: pmessage,*,news,x\n\n',
  ]);
});

test('what cannot be subscribed to is refused, and streams over their number are', async (t) => {
  const fixture = await started(t, { options: { eventStreamsMax: 1 } });
  const broken = await fetch(`${fixture.url}/subscribe/%zz`);
  t.is(broken.status, 400);
  t.regex(((await broken.json()) as { error: string }).error, /^ERR The percent-encoding/);
  const long = await fetch(`${fixture.url}/psubscribe/${'p'.repeat(2000)}`);
  t.is(long.status, 400);
  const first = await fetch(`${fixture.url}/subscribe/news`);
  t.is((await fetch(`${fixture.url}/subscribe/news`)).status, 429);
  t.is((await fetch(`${fixture.url}/v1/events`)).status, 429);
  await first.body?.cancel();
  while ((await publish(fixture, 'x')) !== 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const second = await fetch(`${fixture.url}/v1/events`);
  t.is(second.status, 200);
  await second.body?.cancel();
});
