import { Agent, request } from 'node:http';
import test from 'ava';
import { type Fixture, startFixture } from './http-fixture.ts';
import { getRequest, postRequest, RawConnection } from './raw-http.ts';

/** Sends one request; the status, or the error's code when the connection was refused or lost. */
function send(node: Fixture, agent: Agent, method: string, path: string, body?: string): Promise<number | string> {
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': body.length };
    const sent = request({ port: node.front.port, host: '127.0.0.1', agent, method, path, headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.code}${sent.reusedSocket ? ' reused' : ''}`));
    sent.end(body);
  });
}

test('a drain under load answers all that was accepted, and then the port is closed', async (t) => {
  const node = await startFixture();
  t.teardown(() => node.stop());
  const agent = new Agent({ keepAlive: true, maxSockets: 40 });
  const outcomes = new Map<number | string, number>();
  let isStopping = false;
  const clients = Array.from({ length: 40 }, async (_, client) => {
    for (let index = 0; !isStopping || index === 0; index++) {
      const body = JSON.stringify({ key: `k${client}`, value: index });
      const outcome =
        index % 2 === 0
          ? await send(node, agent, 'POST', '/set', body)
          : await send(node, agent, 'GET', `/get?key=k${client}`);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (typeof outcome === 'string') return;
    }
  });
  while ((outcomes.get(200) ?? 0) < 2000) await new Promise((resolve) => setTimeout(resolve, 5));
  const drained = node.front.drain();
  const refused = RawConnection.open(node.front.port).catch(() => null);
  t.true(await drained);
  isStopping = true;
  await Promise.all(clients);
  t.is(await refused, null);
  // A connection that was never accepted is refused; none that was accepted is lost.
  const lost = [...outcomes.keys()].filter((outcome) => outcome !== 200 && outcome !== 'ECONNREFUSED');
  t.deepEqual(lost, []);
  t.deepEqual(node.faults, []);
  agent.destroy();
});

test('while draining, open connections are told to close and probes say why', async (t) => {
  const node = await startFixture({ shardCount: 1, options: { drainTimeoutMs: 3000 } });
  t.teardown(() => node.stop());
  const [slow, probe, idle] = [
    await RawConnection.open(node.front.port),
    await RawConnection.open(node.front.port),
    await RawConnection.open(node.front.port),
  ];
  idle.send(getRequest('/livez'));
  await idle.answer();
  // A request that is under way keeps the drain waiting.
  slow.send(postRequest('/set', '{"key":"a",', 21));
  while (node.front.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const drained = node.front.drain();
  probe.send(getRequest('/readyz'));
  const ready = await probe.answer();
  t.is(ready?.status, 503);
  t.deepEqual(JSON.parse(ready?.body ?? '{}'), { status: 'unavailable', reasons: ['draining'] });
  t.is(ready?.headers.get('connection'), 'close');
  await probe.closed();
  slow.send('"value":1}');
  t.is((await slow.answer())?.status, 200);
  await slow.closed();
  t.true(await drained);
  await idle.closed();
});

test('a drain ends after its time limit, and says that something was cut off', async (t) => {
  const node = await startFixture({ shardCount: 1, options: { drainTimeoutMs: 200 } });
  t.teardown(() => node.stop());
  const stuck = await RawConnection.open(node.front.port);
  stuck.send(postRequest('/set', '{', 500));
  while (node.front.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const beganMs = performance.now();
  t.false(await node.front.drain());
  t.true(performance.now() - beganMs < 2000);
  await stuck.closed();
});
