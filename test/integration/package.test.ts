import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const PUBLINT = join(ROOT, 'node_modules/publint/src/cli.js');

interface Outcome {
  readonly isRight: boolean;
  readonly output: string;
}

/** Runs a program to its end, without the FLUXCACHE_ and npm variables that this test was started with. */
function run(folder: string, file: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: environment(), timeout: 100_000, maxBuffer: 2 ** 26 };
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ isRight: error === null, output: `${stdout}${stderr}`.trimEnd() });
    });
  });
}

function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(FLUXCACHE_|npm_|NODE_OPTIONS)/.test(name)),
  );
}

/** Packs a copy of the sources, so that the tree's own `dist` stays as it is. Answers the path of the archive. */
async function pack(folder: string): Promise<string> {
  await mkdir(folder);
  const { files } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
  const wanted = [
    ...files.filter((name) => name !== 'dist'),
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'src',
  ];
  for (const name of wanted) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const { isRight, output } = await run(folder, 'npm', ['pack', '--silent']);
  if (!isRight) throw new Error(`npm pack: ${output}`);
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  if (archive === undefined) throw new Error('npm pack made no archive');
  return join(folder, archive);
}

/** Starts the installed server on free ports; answers its TCP port and where its HTTP interface is. */
async function serve(project: string, onStarted: (child: ChildProcess) => void) {
  const args = ['--http-port', '0', '--tcp-port', '0', '--max-memory', '16mb', '--shards', '1', '--log-format', 'json'];
  const child = spawn(join(project, 'node_modules/.bin/fluxcache-server'), args, { env: environment() });
  onStarted(child);
  let text = '';
  for await (const chunk of child.stderr.setEncoding('utf8')) {
    text += chunk;
    const [, url, port] = /"url":"([^"]+)","tcpPort":(\d+).*"msg":"ready"/.exec(text) ?? [];
    if (url !== undefined && port !== undefined) return { url, port };
  }
  throw new Error(`the server ended: ${text}`);
}

const USES = `
import { createClient, type BatchResult, FluxCache, type FluxClient, ReplyError } from 'fluxcache';
import { KeyvFluxCache } from 'fluxcache/keyv';

interface User {
  name: string;
  tags?: string[];
}

const client: FluxClient = createClient({ port: Number(process.argv[2]), commandTimeoutMs: 20_000 });
const ada: User = { name: 'Ada' };
const written: boolean = await client.set('user', ada, { ttl: 60_000 });
const read: User | null = await client.get<User>('user');
const text: string | null = await client.get('none', { type: 'string' });
const { old } = await client.set<number>('user', 1, { returnOld: true });
const count: number = await client.incr('count');
const large: bigint = await client.incr('large', 2n ** 60n);
const [value, sum] = await client.batch((batch) => [batch.get<string>('user'), batch.incr('count')]);
const results: [BatchResult<string | null>, BatchResult<number>] = [value, sum];
for await (const message of await client.subscribe('channel', { signal: AbortSignal.abort() }).catch(() => [])) {
  console.log(message.payload);
}
const loaded: User = await client.getOrSet<User>('loaded', ({ signal }) => (signal.aborted ? ada : { name: 'Bo' }), {
  ttl: 60_000,
  stale: 1000,
  tags: ({ name }) => [name],
});
const length: (text: string) => Promise<number> = client.wrap((text: string) => text.length, { key: 'length' });
const store = new KeyvFluxCache(client, { namespace: 'keyv' });
await store.set('k', 'v', 60_000);
const kept: string | undefined = await store.get<string>('k');
const embedded: FluxClient = await FluxCache.embedded({ maxMemory: '16mb' });
await embedded.set('k', 'embedded');
console.log(JSON.stringify([loaded, await length('four'), kept, await embedded.get('k')]));
await embedded.close();
// @ts-expect-error symbols cannot be stored
await client.set('user', Symbol('none')).catch((error: unknown) => console.log(error instanceof ReplyError));
// @ts-expect-error there is no such option
await client.get('user', { timeout: 1 }).catch(() => undefined);
await client.close();
console.log(JSON.stringify([written, read, text, old, count, String(large), results.every(({ ok }) => ok)]));
`;

/** What others build on the adapter for Keyv. */
const BUILT_ON_KEYV = ['keyv@5.6.0', 'cache-manager@7.2.9'];
const USES_CACHE_MANAGER = `
import { createCache } from 'cache-manager';
import { FluxCache } from 'fluxcache';
import { KeyvFluxCache } from 'fluxcache/keyv';
import Keyv from 'keyv';

const client = await FluxCache.embedded({ maxMemory: '16mb' });
const store = new Keyv({ store: new KeyvFluxCache(client), namespace: 'users', useKeyPrefix: false });
const cache = createCache({ stores: [store], ttl: 60_000 });
let loads = 0;
const load = async () => ({ loads: ++loads });
const wrapped = [await cache.wrap('a', load), await cache.wrap('a', load)];
await cache.mset([{ key: 'x', value: 1 }, { key: 'y', value: [2] }]);
const many = await cache.mget(['x', 'y', 'z']);
await cache.del('x');
const deleted = await cache.get('x');
const kept = await client.exists('users::y', 'users::x');
await cache.clear();
console.log(JSON.stringify([wrapped, many, deleted === undefined, kept, await client.exists('users::y')]));
await client.close();
`;

const registry = await run(ROOT, 'npm', [
  'view',
  'msgpackr@2.1.3',
  'version',
  '--fetch-timeout=5000',
  '--fetch-retries=0',
]);
const testWithRegistry = registry.isRight ? test : test.skip;

testWithRegistry('the packed package is installed in an empty project: types, library and programs work', async (t) => {
  t.timeout(170_000);
  const folder = await mkdtemp(join(tmpdir(), 'fluxcache-package-'));
  t.teardown(() => rm(folder, { recursive: true, maxRetries: 5 }));
  const archive = await pack(join(folder, 'package'));
  const lint = await run(folder, process.execPath, [PUBLINT, 'package', '--strict', '--pack', 'false']);
  t.true(lint.isRight, lint.output);

  const project = join(folder, 'project');
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{"name":"empty","private":true,"type":"module"}');
  const install = await run(project, 'npm', [
    'install',
    archive,
    ...BUILT_ON_KEYV,
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
  ]);
  t.true(install.isRight, install.output);

  await writeFile(join(project, 'uses.ts'), `declare const process: { argv: string[] };\n${USES}`);
  const common = [TSC, '--ignoreConfig', '--strict', '--target', 'es2023', '--types', ''];
  const resolutions = [
    ['--module', 'esnext', '--moduleResolution', 'bundler', '--noEmit'],
    ['--module', 'nodenext', '--moduleResolution', 'nodenext'],
  ];
  for (const resolution of resolutions) {
    const compiled = await run(project, process.execPath, [...common, ...resolution, 'uses.ts']);
    t.true(compiled.isRight, compiled.output);
  }

  const { url, port } = await serve(project, (child) => {
    t.teardown(async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    });
  });
  const used = await run(project, process.execPath, ['uses.js', port]);
  const loaded = '[{"name":"Bo"},4,"v","embedded"]';
  t.is(used.output, `${loaded}\nfalse\n[true,{"name":"Ada"},null,{"name":"Ada"},1,"1152921504606846976",true]`);
  await writeFile(join(project, 'uses-cache-manager.js'), USES_CACHE_MANAGER);
  const managed = await run(project, process.execPath, ['uses-cache-manager.js']);
  t.is(managed.output, '[[{"loads":1},{"loads":1}],[1,[2],null],true,1,0]');
  for (const path of ['/', '/dashboard/main.js', '/dashboard/uPlot.esm.js', '/dashboard/uPlot.min.css']) {
    t.is((await fetch(url + path)).status, 200, path);
  }
  const { bin } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  if (bin['fluxcache'] === undefined) t.log('there is no program fluxcache to be run');
  else
    t.is((await run(project, join(project, 'node_modules/.bin/fluxcache'), ['-p', port, 'get', 'count'])).output, '2');
});
