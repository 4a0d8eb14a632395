import { Redis } from '@upstash/redis';
import test from 'ava';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { digestOf } from '../../../src/server/access/secrets.ts';
import { startFixture } from './http-fixture.ts';

test('a bearer token is asked for, and its rights and key patterns are kept', async (t) => {
  const account = (name: string, user: AccessUser) => ({ user, password: null, tokenDigests: [digestOf(name)] });
  const fixture = await startFixture({
    shardCount: 1,
    budgetBytes: 32 * 2 ** 20,
    accounts: [
      account('all', new AccessUser('all', ['read', 'write', 'admin'], ['*'])),
      account('reader', new AccessUser('reader', ['read'], ['mine:*'])),
    ],
  });
  t.teardown(() => fixture.stop());
  const client = (token: string): Redis =>
    new Redis({ url: fixture.url, token, retry: false, enableTelemetry: false, enableAutoPipelining: false });
  await client('all').set('mine:1', 'a');
  const reader = client('reader');
  t.is(await reader.get('mine:1'), 'a');
  await t.throwsAsync(reader.get('other'), { message: /^NOPERM No permissions to access a key/ });
  await t.throwsAsync(reader.set('mine:1', 'b'), {
    message: /^NOPERM User reader has no permissions to run the 'set'/,
  });
  const kept = await reader.pipeline().get('mine:1').get('other').exec({ keepErrors: true });
  t.deepEqual(
    kept.map(({ result, error }) => error ?? result),
    ['a', 'NOPERM No permissions to access a key'],
  );
  await t.throwsAsync(reader.multi().get('mine:1').get('other').exec(), { message: /^EXECABORT .*NOPERM/ });
  await t.throwsAsync(client('wrong').get('mine:1'), { message: /^WRONGPASS / });
  const answer = await fetch(`${fixture.url}/`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '["PING"]',
  });
  t.is(answer.status, 401);
  t.deepEqual(await answer.json(), { error: 'NOAUTH Authentication required.' });
});
