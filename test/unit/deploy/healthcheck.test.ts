import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const script = fileURLToPath(new URL('../../../Docker/healthcheck.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fluxcache-health-'));
const tokenFile = join(folder, 'token');
writeFileSync(tokenFile, 'right\n');

/** As a node that asks for credentials at /livez and /readyz, and is not ready; /open asks for none. */
const server = createServer((request, response) => {
  const isKnown = request.headers.authorization === 'Bearer right' || request.url === '/open';
  response.writeHead(!isKnown ? 401 : request.url === '/readyz' ? 503 : 200).end();
}).listen(0, '127.0.0.1');
await once(server, 'listening');
test.after.always(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function statusOf(path: string, environment: Readonly<Record<string, string>> = {}): Promise<number> {
  const { port } = server.address() as AddressInfo;
  const env = { PATH: process.env['PATH'], FLUXCACHE_HTTP_PORT: String(port), ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, path], { env }, (error) => resolve(error === null ? 0 : Number(error.code)));
  });
}

test('a container is healthy when its node answers well', async (t) => {
  t.is(await statusOf('/open'), 0);
  t.is(await statusOf('/livez', { HEALTHCHECK_TOKEN_FILE: tokenFile }), 0);
  t.is(await statusOf('/readyz', { HEALTHCHECK_TOKEN_FILE: tokenFile }), 1);
});

test('to be refused is an answer of a node that runs, but not for who has a token', async (t) => {
  t.is(await statusOf('/livez'), 0);
  const wrong = join(folder, 'wrong');
  writeFileSync(wrong, 'wrong');
  t.is(await statusOf('/livez', { HEALTHCHECK_TOKEN_FILE: wrong }), 1);
});

test('a container whose node does not answer is not healthy', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  silent.close();
  await once(silent, 'close');
  t.is(await statusOf('/livez', { FLUXCACHE_HTTP_PORT: String(port) }), 1);
});
