import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import test from 'ava';
import { startNodeFixture } from '../resp/node-fixture.ts';

const README = fileURLToPath(new URL('../../../src/client/README.md', import.meta.url));
const LIBRARY = fileURLToPath(new URL('../../../src/index.ts', import.meta.url));

test('the examples of the reference run, and print what their comments say', async (t) => {
  const { node } = await startNodeFixture(t);
  const blocks = [...(await readFile(README, 'utf8')).matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  const program = blocks
    .join('\n')
    .replace("'fluxcache'", JSON.stringify(pathToFileURL(LIBRARY).href))
    .replace('127.0.0.1:7379', `127.0.0.1:${node.tcpPort}`);
  t.true(program.includes(String(node.tcpPort)));
  const expected = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
  t.true(expected.length > 15);
  const folder = await mkdtemp(join(tmpdir(), 'fluxcache-readme-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'examples.mts');
  await writeFile(file, program);
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, ['--import=tsx', file], (error, stdout, stderr) => resolve(error ? stderr : stdout));
  });
  t.deepEqual(printed.trimEnd().split('\n'), expected);
});
