import test from 'ava';
import { startFixture } from './http-fixture.ts';

const { url, slowLog, stop } = await startFixture();
test.after.always(stop);

test.beforeEach(() => {
  slowLog.thresholdMs = 0;
  slowLog.clear();
});

async function post(path: string, body: unknown): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  await (await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).text();
}

const kept = (): string[] =>
  [...slowLog.latest(100)].map(({ words, address }) => `${Buffer.concat(words)} ${address}`).reverse();

test.serial('slow commands over HTTP are kept for SLOWLOG, by whichever way they came', async (t) => {
  await post('/set', { key: 'key', value: 'value' });
  await (await fetch(`${url}/get?key=key`)).text();
  t.deepEqual(kept(), ['set http', 'get http'], 'the first of its kind is measured');
  slowLog.clear();
  await post('/', ['mset', 'a', '1']);
  await post('/pipeline', [['msetnx', 'b', '2']]);
  await post('/multi-exec', [['set', 'c', '3']]);
  t.deepEqual(kept(), ['mset http', 'msetnx http'], 'EXEC waits for others, and is left out as on a connection');
  slowLog.clear();
  await post('/v1/batch', { operations: [{ op: 'delete', key: 'a' }] });
  t.deepEqual(kept(), ['del http']);
});

test.serial('a command over HTTP that takes less than the threshold is not kept', async (t) => {
  slowLog.thresholdMs = Infinity;
  await post('/', ['mset', 'a', '1']);
  t.deepEqual(kept(), []);
});
