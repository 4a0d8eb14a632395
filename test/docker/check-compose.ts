/**
 * Brings up the three nodes of Docker/docker-compose.yml, kills one, and has it back: `npx tsx test/docker/check-compose.ts`.
 * Needs a Docker engine, docker-compose and the ports that the file publishes. `--host-network` builds the image on the
 * machine's own network; `--keep` leaves everything running.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const project = 'fluxcache-check';
const files = ['Docker/docker-compose.yml'];
if (process.argv.includes('--host-network')) files.push('test/docker/host-network.yml');
const httpPorts = [8081, 8082, 8083];
const KEYS = 300;

function run(program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: root, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(' ')}: ${error.message}\n${stderr.slice(-2000)}`));
    });
  });
}

function compose(...args: string[]): Promise<string> {
  return run('docker-compose', ...files.flatMap((file) => ['-f', file]), '-p', project, ...args);
}

let since = performance.now();

/** Says what is done, and how long it took. */
function done(what: string): void {
  const now = performance.now();
  process.stdout.write(`${what} (${((now - since) / 1000).toFixed(1)} s)\n`);
  since = now;
}

async function until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + withinMs;
  let last: unknown = 'it does not hold';
  while (performance.now() < endMs) {
    try {
      if (await holds()) {
        done(what);
        return;
      }
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${withinMs / 1000} s: ${what}`, { cause: last });
}

async function ask(port: number, path: string, init: RequestInit = {}): Promise<Response> {
  return await fetch(`http://127.0.0.1:${port}${path}`, { ...init, signal: AbortSignal.timeout(5000) });
}

async function set(port: number, key: string, value: string): Promise<boolean> {
  const headers = { 'content-type': 'application/json' };
  const response = await ask(port, '/set', { method: 'POST', headers, body: JSON.stringify({ key, value }) });
  if (response.status !== 200) throw new Error(`${key} on ${port}: ${response.status} ${await response.text()}`);
  return true;
}

/** As a client does that retries: a machine that is busy with other things may hold a node up for longer than its lease. */
async function setAll(portOf: (number: number) => number): Promise<void> {
  for (let number = 0; number < KEYS; number++) {
    for (let attempt = 1; ; attempt++) {
      try {
        await set(portOf(number), `key-${number}`, `value-${number}`);
        break;
      } catch (error) {
        if (attempt === 10) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }
}

async function get(port: number, key: string): Promise<unknown> {
  const response = await ask(port, `/get?key=${key}`);
  return response.status === 200 ? ((await response.json()) as { value: unknown }).value : response.status;
}

async function isReady(port: number): Promise<boolean> {
  return (await ask(port, '/readyz')).status === 200;
}

async function areReady(ports: readonly number[]): Promise<boolean> {
  return (await Promise.all(ports.map(isReady))).every(Boolean);
}

async function container(service: string): Promise<string> {
  const [id] = (await compose('ps', '-q', service)).split('\n');
  if (id === undefined || id === '') throw new Error(`there is no container of ${service}`);
  return id;
}

async function isHealthy(service: string): Promise<boolean> {
  const health = await run('docker', 'inspect', '-f', '{{.State.Health.Status}}', await container(service));
  return health.trim() === 'healthy';
}

/** A metric of the node at this port, summed over its labels. */
async function metric(port: number, name: string): Promise<number> {
  const page = await (await ask(port, '/metrics')).text();
  const lines = page.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  if (lines.length === 0) throw new Error(`no metric ${name}`);
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function isInSync(): Promise<boolean> {
  for (const port of httpPorts) {
    if ((await metric(port, 'fluxcache_cluster_partitions_under_replicated')) !== 0) return false;
    if ((await metric(port, 'fluxcache_cluster_partitions_offline')) !== 0) return false;
  }
  return true;
}

async function holdsAll(port: number): Promise<boolean> {
  for (let number = 0; number < KEYS; number++) {
    const found = await get(port, `key-${number}`);
    if (found !== `value-${number}`) throw new Error(`key-${number} on ${port}: ${String(found)}`);
  }
  return true;
}

async function check(): Promise<void> {
  await compose('up', '-d', '--build');
  done('built and started');
  await until('all nodes are ready', 60_000, () => areReady(httpPorts));
  for (const service of ['node1', 'node2', 'node3']) {
    await until(`${service} is healthy`, 30_000, () => isHealthy(service));
  }
  await until('every partition has its copies', 30_000, isInSync);

  await setAll((number) => httpPorts[number % 3] as number);
  done(`${KEYS} keys are set by one node or another`);
  for (const port of httpPorts) await until(`they are read by ${port}`, 20_000, () => holdsAll(port));
  const viaExec = await compose('exec', '-T', 'node3', 'fluxcache', 'get', 'key-7');
  if (viaExec.trim() !== 'value-7') throw new Error(`fluxcache in the container: ${viaExec}`);
  done('the program in the image reads one');

  const victim = await container('node2');
  await run('docker', 'kill', '-s', 'KILL', victim);
  done('node2 is killed');
  await until('a key can be written again', 10_000, () => set(8081, 'key-0', 'value-0'));
  for (const port of [8081, 8083]) await until(`all keys are there (${port})`, 20_000, () => holdsAll(port));
  await setAll(() => 8083);
  done('all keys can be written');

  await run('docker', 'start', victim);
  await until('node2 is back and ready', 60_000, () => areReady(httpPorts));
  await until('it is in sync', 60_000, isInSync);
  await until('it reads all keys', 20_000, () => holdsAll(8082));
  await until('Prometheus sees three nodes', 30_000, async () => {
    const response = await ask(9090, '/api/v1/query?query=sum(fluxcache_up)');
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result[0]?.value[1] === '3';
  });

  await compose('restart', '-t', '45', 'node1');
  await until('node1, told to stop and started again, is ready', 60_000, () => areReady(httpPorts));
  await until('it is in sync again', 60_000, isInSync);
  await until('all keys are there', 20_000, () => holdsAll(8081));
}

// Time-outs of requests alone do not keep the process.
const keepAlive = setInterval(() => undefined, 1000);
try {
  await check();
  process.stdout.write('The compose file holds what it promises.\n');
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  if (error instanceof Error && error.cause !== undefined) process.stderr.write(`last: ${String(error.cause)}\n`);
  process.stderr.write(await compose('logs', '--tail=40', 'node1', 'node2', 'node3').catch(String));
} finally {
  clearInterval(keepAlive);
  if (!process.argv.includes('--keep')) {
    await compose('down', '-v', '-t', '45').catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  }
}
