import { readFile } from 'node:fs/promises';
import test from 'ava';
import { startNodeFixture } from '../resp/node-fixture.ts';
import { packr, RpcClient } from './rpc-client.ts';

const PATH = new URL('../../../src/protocol/msgpack-rpc/README.md', import.meta.url);

test('the examples of the reference are answered as it says', async (t) => {
  const text = await readFile(PATH, 'utf8');
  const examples = [...text.matchAll(/^→ (\[.*?\]) +← (\[.*\])$/gm)];
  t.true(examples.length >= 9);
  const { node } = await startNodeFixture(t);
  const client = await RpcClient.open(t, node.tcpPort);
  const valueIn = (example = ''): unknown[] => JSON.parse(example.replaceAll('nil', 'null')) as unknown[];
  for (const [line, request, response] of examples) {
    const message = valueIn(request);
    client.send(packr.pack(message));
    const [error, result] = await client.answerTo(message[1] as number);
    t.deepEqual([1, message[1], error, result], valueIn(response), line);
  }
});
