import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { builtTree } from '../../built-tree.ts';
import { PushClient } from './push-client.ts';

const SERVER = join(await builtTree(), 'server.js');

/** Starts the program on free ports and waits until it is ready. */
async function serve(t: ExecutionContext): Promise<{ child: ChildProcess; tcpPort: number }> {
  const args = ['--http-port', '0', '--tcp-port', '0', '--max-memory', '16mb', '--shards', '1', '--log-format', 'json'];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FLUXCACHE_')));
  const child = spawn(process.execPath, [SERVER, ...args], { env });
  t.teardown(() => child.kill('SIGKILL'));
  const tcpPort = await new Promise<number>((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => {
      text += String(chunk);
      const [, port] = /"tcpPort":(\d+).*"msg":"ready"/.exec(text) ?? [];
      if (port !== undefined) resolve(Number(port));
    });
    child.once('close', () => reject(new Error(`it ended: ${text}`)));
  });
  return { child, tcpPort };
}

test('SHUTDOWN answers what came before it, then ends the connection and the program with status 0', async (t) => {
  const { child, tcpPort } = await serve(t);
  const ended = once(child, 'close');
  const client = await PushClient.open(tcpPort, 2);
  t.is(
    await client.call('shutdown', 'save'),
    '-ERR No snapshot can be made, since nothing is kept on the disk: start the node with --persistence.',
    'what cannot be saved is not thrown away',
  );
  t.is(await client.call('shutdown', 'nope'), '-ERR syntax error');
  client.send(['set', 'k', '1'], ['get', 'k'], ['shutdown', 'nosave']);
  t.is(await client.reply(), 'OK');
  t.is(await client.reply(), '1');
  const [code] = await ended;
  t.is(code, 0);
  t.deepEqual(client.replies, [], 'SHUTDOWN itself is not answered');
});
