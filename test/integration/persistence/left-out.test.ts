import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { keepEntries } from '../../kept-data.ts';
import { NodeProcess } from '../../node-process.ts';
import { RespConnection } from '../../resp-connection.ts';

const COUNT = 3000;

test('a key that did not fit once does not come back when there is more memory, and snapshots say why they were made', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fluxcache-left-out-'));
  t.teardown(() => rmSync(dataDir, { recursive: true }));
  const value = Buffer.alloc(8000, 'v');
  keepEntries(dataDir, COUNT, (index) => ({ key: Buffer.from(`key:${index}`), value, version: index + 1 }), {
    shards: 1,
    asSnapshot: false,
  });
  const start = async (memory: string): Promise<{ node: NodeProcess; keys: () => Promise<number> }> => {
    const node = await NodeProcess.start({ flags: ['--persistence', '--data-dir', dataDir, '--max-memory', memory] });
    t.teardown(() => node.kill());
    const { tcpPort } = await node.ports();
    const keys = async (): Promise<number> => {
      const resp = await RespConnection.open({ port: tcpPort, host: '127.0.0.1' });
      const [size] = await resp.send([['DBSIZE']]);
      resp.close();
      return Number(size?.subarray(1));
    };
    return { node, keys };
  };

  const small = await start('16mb');
  const kept = await small.keys();
  t.true(kept > 500 && kept < 2200, `${kept}`);
  t.is(await reasonOfSnapshot(small.node), 'left out');
  await small.node.kill();

  const large = await start('64mb');
  t.is(await large.keys(), kept);
  await large.node.kill();

  const flags = ['--persistence', '--data-dir', dataDir, '--shards', '2'];
  const other = await NodeProcess.start({ flags });
  t.teardown(() => other.kill());
  t.is(await reasonOfSnapshot(other), 'other shards');
  await other.kill();
});

function reasonOfSnapshot(node: NodeProcess): Promise<string> {
  return node.logged(({ msg, reason }) => (msg === 'a snapshot was made' ? String(reason) : undefined));
}
