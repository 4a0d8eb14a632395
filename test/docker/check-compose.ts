/**
 * Brings up the three nodes of Docker/docker-compose.yml, kills one, and has it back: `npx tsx test/docker/check-compose.ts`.
 * Needs a Docker engine, docker-compose and the ports that the file publishes. `--secure`: with docker-compose.secure.yml, for
 * which it has secrets made. `--host-network` builds the image on the machine's own network; `--keep` leaves everything running.
 */
import { connect } from 'node:tls';
import { ComposeStack, done, run, until } from './compose-stack.ts';

const isSecure = process.argv.includes('--secure');
const stack = new ComposeStack({
  project: 'fluxcache-check',
  isSecure,
  usesHostNetwork: process.argv.includes('--host-network'),
});
const httpPorts = [8081, 8082, 8083];
const services = ['node1', 'node2', 'node3'];
const KEYS = 300;
/** For what takes a moment on a machine that has nothing else to do. */
const PATIENCE_MS = 120_000;

async function set(port: number, key: string, value: string): Promise<boolean> {
  const { status, text } = await stack.ask(port, '/set', { method: 'POST', json: { key, value } });
  if (status !== 200) throw new Error(`${key} on ${port}: ${status} ${text}`);
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
  const { status, text } = await stack.ask(port, `/get?key=${key}`);
  return status === 200 ? (JSON.parse(text) as { value: unknown }).value : status;
}

async function areReady(ports: readonly number[]): Promise<boolean> {
  const answers = await Promise.all(ports.map((port) => stack.ask(port, '/readyz')));
  return answers.every(({ status }) => status === 200);
}

async function isHealthy(service: string): Promise<boolean> {
  return (await stack.inspect(service, '{{.State.Health.Status}}')) === 'healthy';
}

/** A metric of the node at this port, summed over its labels. */
async function metric(port: number, name: string): Promise<number> {
  const { text } = await stack.ask(port, '/metrics');
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
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

async function prometheus(path: string): Promise<unknown> {
  const { data } = (await (await fetch(`http://127.0.0.1:9090/api/v1/${path}`)).json()) as { data: unknown };
  return data;
}

/** Fuller than its memory, as a cache is all its life, a node stays within the limit of its container. */
async function checkMemory(): Promise<void> {
  const load = '-c 20 -P 16 --fill --keys 60000 -d 8192 -n 10000';
  const evicted = (): Promise<number[]> =>
    Promise.all(httpPorts.map((port) => metric(port, 'fluxcache_evicted_keys_total')));
  for (let round = 1; (await evicted()).includes(0); round++) {
    // On a machine that is busy with other things requests may fail, and a round may end early.
    await stack.fluxcache('node1', 'bench', ...load.split(' ')).catch(() => '');
    if (round === 5) throw new Error(`keys evicted: ${(await evicted()).join()}`);
  }
  done('more is written than there is room for, through one node');
  for (const service of services) {
    const [used, limit] = await memoryOf(service);
    const of = `${service} uses ${(used / 2 ** 20).toFixed(0)} of ${(limit / 2 ** 20).toFixed(0)} MiB`;
    if ((await stack.inspect(service, '{{.State.OOMKilled}} {{.RestartCount}}')) !== 'false 0') throw new Error(of);
    done(of);
  }
  await stack.fluxcache('node1', 'flushall');
  await until('all nodes are ready after that', PATIENCE_MS, () => areReady(httpPorts));
}

/** Of a container: resident bytes of its process, as the kernel counts them at most, and its limit. */
async function memoryOf(service: string): Promise<[used: number, limit: number]> {
  const status = await stack.compose('exec', '-T', service, 'cat', '/proc/1/status');
  const peakKb = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  return [peakKb * 1024, Number(await stack.inspect(service, '{{.HostConfig.Memory}}'))];
}

/** Containers may do nothing but what the nodes need. */
async function checkConfinement(): Promise<void> {
  for (const service of services) {
    const settings = await stack.inspect(service, '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}');
    if (!settings.startsWith('true [ALL]')) throw new Error(`${service}: ${settings}`);
    const status = await stack.compose('exec', '-T', service, 'cat', '/proc/1/status');
    for (const line of [/^NoNewPrivs:\s+1$/m, /^CapEff:\s+0+$/m, /^Uid:\s+1000\s/m]) {
      if (!line.test(status)) throw new Error(`${service}: not ${line}`);
    }
  }
  done('nodes run as a user without rights, on a root that they cannot write to');
}

/** Who has no token is told nothing, and who may not write does not; certificates are replaced while clients are served. */
async function checkSecurity(): Promise<void> {
  const statusFor = async (path: string, token: string, json?: unknown): Promise<number> => {
    const method = json === undefined ? 'GET' : 'POST';
    return (await stack.ask(8081, path, { token, method, json })).status;
  };
  const wanted = {
    'a key without a token': [await statusFor('/get?key=key-1', ''), 401],
    'metrics without a token': [await statusFor('/metrics', ''), 401],
    'readiness without a token': [await statusFor('/readyz', ''), 401],
    'a key as shop': [await statusFor('/get?key=key-1', stack.secret('shop.token')), 200],
    'a key as prometheus': [await statusFor('/get?key=key-1', stack.secret('prometheus.token')), 403],
    'metrics as prometheus': [await statusFor('/metrics', stack.secret('prometheus.token')), 200],
    'administration as shop': [await statusFor('/v1/cluster/rebalance', stack.secret('shop.token'), {}), 403],
  };
  for (const [what, [status, expected]] of Object.entries(wanted)) {
    if (status !== expected) throw new Error(`${what}: ${status}, not ${expected}`);
  }
  done('users may do what they may, and nobody else anything');
  const before = await Promise.all(httpPorts.map(serialAt));
  await run('sh', 'Docker/make-secrets.sh', 'renew');
  await stack.compose('kill', '-s', 'HUP', ...services);
  await until('all ports show new certificates', PATIENCE_MS, async () => {
    const after = await Promise.all(httpPorts.map(serialAt));
    return after.every((serial, index) => serial !== before[index]);
  });
  await until('all keys are there', PATIENCE_MS, () => holdsAll(8081));
  if (!(await areReady(httpPorts))) throw new Error('a node is not ready');
}

/** The serial number of the certificate that this port shows. */
function serialAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca: stack.secret('ca.pem') }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

async function check(): Promise<void> {
  if (isSecure) await run('sh', 'Docker/make-secrets.sh');
  await stack.compose('up', '-d', '--build');
  done('built and started');
  await until('all nodes are ready', PATIENCE_MS, () => areReady(httpPorts));
  for (const service of services) await until(`${service} is healthy`, PATIENCE_MS, () => isHealthy(service));
  await until('every partition has its copies', PATIENCE_MS, isInSync);
  await checkConfinement();
  // TLS is no other in this; it only takes longer.
  if (!isSecure) await checkMemory();

  await setAll((number) => httpPorts[number % 3] as number);
  done(`${KEYS} keys are set by one node or another`);
  for (const port of httpPorts) await until(`they are read by ${port}`, PATIENCE_MS, () => holdsAll(port));
  const viaExec = await stack.fluxcache('node3', 'get', 'key-7');
  if (viaExec.trim() !== 'value-7') throw new Error(`fluxcache in the container: ${viaExec}`);
  done('the program in the image reads one');
  if (isSecure) await checkSecurity();

  const victim = await stack.container('node2');
  await run('docker', 'kill', '-s', 'KILL', victim);
  done('node2 is killed');
  await until('a key can be written again', 30_000, () => set(8081, 'key-0', 'value-0'));
  for (const port of [8081, 8083]) await until(`all keys are there (${port})`, PATIENCE_MS, () => holdsAll(port));
  await setAll(() => 8083);
  done('all keys can be written');

  await run('docker', 'start', victim);
  await until('node2 is back and ready', PATIENCE_MS, () => areReady(httpPorts));
  await until('it is in sync', PATIENCE_MS, isInSync);
  await until('it reads all keys', PATIENCE_MS, () => holdsAll(8082));
  await until('Prometheus sees three nodes', PATIENCE_MS, async () => {
    const { result } = (await prometheus('query?query=sum(fluxcache_up)')) as { result: { value: [number, string] }[] };
    return result[0]?.value[1] === '3';
  });
  const { groups } = (await prometheus('rules')) as { groups: readonly object[] };
  if (groups.length === 0) throw new Error('Prometheus has no rules');
  await until('Prometheus is healthy, and has its rules', PATIENCE_MS, () => isHealthy('prometheus'));

  await stack.compose('restart', '-t', '45', 'node1');
  await until('node1, told to stop and started again, is ready', PATIENCE_MS, () => areReady(httpPorts));
  await until('it is in sync again', PATIENCE_MS, isInSync);
  await until('all keys are there', PATIENCE_MS, () => holdsAll(8081));
}

// Time-outs of requests alone do not keep the process.
const keepAlive = setInterval(() => undefined, 1000);
try {
  await check();
  process.stdout.write('The compose files hold what they promise.\n');
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  if (error instanceof Error && error.cause !== undefined) process.stderr.write(`last: ${String(error.cause)}\n`);
  process.stderr.write(await stack.compose('logs', '--tail=40', ...services).catch(String));
} finally {
  clearInterval(keepAlive);
  if (!process.argv.includes('--keep')) {
    await stack.compose('down', '-v', '-t', '45').catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  }
}
