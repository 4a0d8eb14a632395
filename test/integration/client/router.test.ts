import test from 'ava';
import { Calls } from '../../../src/client/calls.ts';
import { ClosedError } from '../../../src/client/errors.ts';
import { ClientEventTarget } from '../../../src/client/events.ts';
import { operations } from '../../../src/client/operations.ts';
import { resolveOptions } from '../../../src/client/options.ts';
import { Pool } from '../../../src/client/pool.ts';
import { type Router, SingleNodeRouter } from '../../../src/client/router.ts';
import { answer, refuse, startScriptedServer } from '../../scripted-rpc-server.ts';

test('a router that knows several nodes sends a call by its key, and after a refusal to where it has learnt', async (t) => {
  const events = new ClientEventTarget();
  const patient = { commandTimeoutMs: 60_000 };
  const one = await startScriptedServer((request) =>
    request.params[0] === 'of one' ? answer(request, 'one') : refuse(request, 'moved'),
  );
  const two = await startScriptedServer((request) =>
    request.params[0] === 'nowhere' ? refuse(request, 'moved') : answer(request, 'two'),
  );
  const options = resolveOptions({ port: one.port, ...patient });
  const pools = [new Pool(options, events), new Pool(resolveOptions({ port: two.port, ...patient }), events)] as const;
  const single = new SingleNodeRouter(options, events);
  const router: Router = {
    onChange: () => undefined,
    isSpread: false,
    submit: (call) => pools[call.redirects === 0 && call.operation.key !== 'of two' ? 0 : 1].submit(call),
    advise: (call) => (++call.redirects <= 3 ? 'again' : 'final'),
    placeOf: () => '',
    whyNotReady: () => undefined,
    openSubscriber: (observer) => single.openSubscriber(observer),
    ready: () => pools[0].ready(),
    doubt: () => undefined,
    end: () => undefined,
    destroy: () => undefined,
  };
  t.teardown(async () => {
    for (const pool of pools) pool.destroy(new ClosedError());
    await Promise.all([one.stop(), two.stop()]);
  });
  const calls = new Calls(options, router);
  const get = (key: string) => calls.run(operations.get(key), {});
  t.deepEqual(await Promise.all([get('of one'), get('of two'), get('moved')]), ['one', 'two', 'two']);
  t.deepEqual(one.methods, ['get', 'get']);
  // One that is sent around in circles ends when the router has no advice.
  await t.throwsAsync(get('nowhere'), { code: 'moved' });
  t.is(two.methods.length, 2 + 3);
});
