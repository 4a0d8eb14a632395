import test from 'ava';
import { sharedNode } from '../resp/node-fixture.ts';
import { RpcClient } from '../rpc/rpc-client.ts';

const node = sharedNode({ logSlowCommands: true, slowLogThreshold: '0ms' });

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traced = { traceparent: `00-${traceId}-${spanId}-01` };
const trace = { trace_id: traceId, span_id: spanId, trace_flags: '01' };

async function post(url: string, body: unknown, headers: Record<string, string>): Promise<void> {
  const json = { 'Content-Type': 'application/json', ...headers };
  await (await fetch(url, { method: 'POST', headers: json, body: JSON.stringify(body) })).text();
}

test.serial(
  'slow commands over HTTP are logged with the trace that the request named, whichever way they came',
  async (t) => {
    const { node: running, warnings } = await node();
    const { url } = running;
    await post(`${url}/set`, { key: 'key', value: 'value' }, traced);
    await (await fetch(`${url}/get?key=key`, { headers: traced })).text();
    await post(`${url}/`, ['mset', 'a', '1'], traced);
    await post(`${url}/pipeline`, [['msetnx', 'b', '2']], traced);
    await post(`${url}/v1/batch`, { operations: [{ op: 'delete', key: 'a' }] }, traced);
    await (await fetch(`${url}/v1/keys`, { headers: traced })).text();
    t.deepEqual(
      warnings.splice(0).map(({ fields }) => ({ ...fields, durationMs: 0 })),
      ['set', 'get', 'mset', 'msetnx', 'del', 'scan'].map((command) => ({
        command,
        durationMs: 0,
        protocol: 'http',
        address: '127.0.0.1',
        ...trace,
      })),
    );
  },
);

test.serial('a header that is malformed, or none at all, is no trace', async (t) => {
  const { node: running, warnings } = await node();
  const headers = [{}, { traceparent: 'x' }, { traceparent: `00-${traceId}-${'0'.repeat(16)}-01` }];
  for (const header of headers) await post(`${running.url}/`, ['mset', 'a', '1'], header);
  const logged = warnings.splice(0);
  t.is(logged.length, 3);
  for (const { fields, message } of logged) {
    t.is(message, 'a command was slow');
    t.deepEqual(Object.keys(fields), ['command', 'durationMs', 'protocol', 'address']);
  }
});

test.serial('slow commands of connections are logged with their client, without their arguments', async (t) => {
  const { node: running, connect, warnings } = await node();
  const client = await connect();
  await client.call('CLIENT', 'SETNAME', 'shop');
  warnings.splice(0);
  await client.call('MSET', 'secret-key', 'secret-value');
  const rpc = await RpcClient.open(t, running.tcpPort);
  await rpc.result('mset', 'secret-key', 'secret-value');
  const records = warnings.splice(0).map(({ fields }) => fields);
  t.like(records[0], { command: 'mset', protocol: 'resp', clientName: 'shop' });
  t.like(records[1], { command: 'mset', protocol: 'msgpack' });
  t.notRegex(JSON.stringify(records), /secret/);
  t.regex(JSON.stringify(records), /"address":"127\.0\.0\.1:\d+"/);
});
