import test from 'ava';
import { monotonicMs } from '../../../src/base/monotonic.ts';
import { AccessUser, type Right } from '../../../src/server/access/rights.ts';
import { digestOf } from '../../../src/server/access/secrets.ts';
import { ClusterControl } from '../../../src/server/cluster/cluster-control.ts';
import { viewOf } from '../../unit/server/cluster/cluster-stories.ts';
import { type Fixture, startFixture } from './http-fixture.ts';

const view = viewOf(
  'a',
  ['a', 'b'],
  [
    ['a', 'b'],
    ['b', 'a'],
  ],
);
view.gates.setLease(monotonicMs() + 600_000);
const cluster = new ClusterControl(view, () => ({ host: '127.0.0.1', tcpPort: 1, busPort: 2 }));
let inCluster: Fixture;
let alone: Fixture;

test.before(async () => {
  [inCluster, alone] = await Promise.all([startFixture({ cluster, shardCount: 1 }), startFixture({ shardCount: 1 })]);
});
test.after.always(() => Promise.all([inCluster?.stop(), alone?.stop()]));

async function ask(path: string, fields?: unknown, { url } = inCluster): Promise<{ status: number; body: object }> {
  const init =
    fields === undefined
      ? {}
      : {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: typeof fields === 'string' ? fields : JSON.stringify(fields),
        };
  const response = await fetch(`${url}/v1/cluster${path}`, init);
  return { status: response.status, body: (await response.json()) as object };
}

test('GET /v1/cluster reports, with partitions when asked for', async (t) => {
  const { status, body } = await ask('');
  t.is(status, 200);
  t.like(body, { self: 'a', partitions: { total: 2 }, settings: { copies: 2 } });
  t.false('table' in body);
  t.true('table' in (await ask('?partitions=true')).body);
  t.is((await ask('?partitions=yes')).status, 400);
  t.is((await ask('?nothing=1')).status, 400);
});

test.serial('POST /v1/cluster/… asks the cluster, and tells what it answers', async (t) => {
  t.deepEqual(await ask('/drain', { node: 'b' }), {
    status: 200,
    body: {
      ok: true,
      result: 'accepted',
      message: 'b is being drained, and stays a member without copies: 2 copies are left on it',
    },
  });
  t.like(await ask('/undrain', { node: 'b' }), { status: 200, body: { result: 'applied' } });
  t.like(await ask('/rebalance', {}), { status: 200, body: { result: 'unchanged' } });
  t.like(await ask('/rebalance', ''), { status: 200 });
  t.like(await ask('/settings', { onLoss: 'reset' }), { status: 200, body: { result: 'applied' } });
  t.is(view.state.settings?.onLoss, 'reset');
  t.like(await ask('/failover', { node: 'a' }), { status: 200, body: { result: 'accepted' } });
});

test('what is wrong with a request is told as a problem', async (t) => {
  t.like(await ask('/drain', {}), { status: 400, body: { error: 'invalid-argument' } });
  t.like(await ask('/drain', '{'), { status: 400, body: { error: 'invalid-argument' } });
  t.like(await ask('/reset', { partition: 0 }), { status: 409, body: { error: 'conflict' } });
  t.is((await ask('/explode', {})).status, 404);
  t.is((await ask('/drain')).status, 405);
});

test('a node by itself says so', async (t) => {
  t.like(await ask('', undefined, alone), { status: 200, body: { clusterId: '', nodes: [] } });
  t.like(await ask('/drain', { node: 'a' }, alone), {
    status: 400,
    body: { detail: 'This instance has cluster support disabled' },
  });
});

test('only administrators may change the cluster', async (t) => {
  const account = (name: string, ...rights: Right[]) => ({
    user: new AccessUser(name, rights, ['*']),
    password: null,
    tokenDigests: [digestOf(name)],
  });
  const accounts = [account('reader', 'read', 'write'), account('admin', 'admin')];
  const fixture = await startFixture({ cluster, shardCount: 1, accounts });
  t.teardown(() => fixture.stop());
  const statusOf = async (token: string, method: string, path: string): Promise<number> => {
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(`${fixture.url}/v1/cluster${path}`, { method, headers })).status;
  };
  t.is(await statusOf('reader', 'GET', ''), 200);
  t.is(await statusOf('reader', 'POST', '/rebalance'), 403);
  t.is(await statusOf('admin', 'POST', '/rebalance'), 200);
  t.is(await statusOf('nobody', 'GET', ''), 401);
});
