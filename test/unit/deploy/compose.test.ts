import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { parse } from 'yaml';
import type { Config } from '../../../src/config/options.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { httpPaths } from '../../../src/protocol/http/paths.ts';
import { Access } from '../../../src/server/access/access.ts';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { readUsersFile } from '../../../src/server/access/users-file.ts';
import { imageEnvironment, keepingProcessBytesBeside, loadingMsMax } from '../../image.ts';

const folder = fileURLToPath(new URL('../../../Docker/', import.meta.url));

interface Service {
  readonly hostname?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[]; readonly start_period: string };
  readonly mem_limit?: string;
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly restart?: string;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: Readonly<Record<string, null>>;
}

/** A compose file, with nothing set in the environment that it asks for but `set`. */
function composeFile(name: string, set: Readonly<Record<string, string>> = {}): Compose {
  const text = readFileSync(`${folder}${name}`, 'utf8').replaceAll(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, variable: string, otherwise: string) => set[variable] ?? otherwise,
  );
  return parse(text, { merge: true }) as Compose;
}

const plain = composeFile('docker-compose.yml');
const secure = composeFile('docker-compose.secure.yml');
const keeping = composeFile('docker-compose.yml', { FLUXCACHE_PERSISTENCE: 'true', FLUXCACHE_FSYNC: 'always' });
const persistent = composeFile('docker-compose.persistent.yml');
const nodes = ['node1', 'node2', 'node3'];

function serviceOf(file: Compose, name: string): Service {
  const service = file.services[name];
  if (service === undefined) throw new Error(`there is no service ${name}`);
  return service;
}

function configOf(name: string, overlay: Compose | null = null, file = plain): Config {
  const given = { ...serviceOf(file, name).environment, ...overlay?.services[name]?.environment };
  const environment = new Map([...imageEnvironment(), ...Object.entries(given)]);
  environment.delete('FLUXCACHE_CONFIG');
  // As make-secrets.sh writes it.
  const values =
    overlay === null ? undefined : { path: 'cluster.yaml', values: new Map([['clusterSecret', 'secret']]) };
  const machine = { cores: 64, hostName: name };
  const resolution = resolveConfig({ flags: new Map(), environment, file: values, machine });
  if (resolution.kind === 'problems') throw new Error(resolution.problems.join('\n'));
  return resolution.resolved.config;
}

function hasRoomAndTime(t: ExecutionContext, service: Service, config: Config): void {
  const limit = Number(/^(\d+)m$/.exec(service.mem_limit ?? '')?.[1]) * 2 ** 20;
  t.true(limit >= config.maxMemory + keepingProcessBytesBeside(config));
  const grace = Number(/^(\d+)s$/.exec(service.stop_grace_period ?? '')?.[1]) * 1000;
  t.true(grace >= config.drainTimeout + 10_000);
  t.true(service.read_only);
  t.is(service.restart, 'unless-stopped');
}

function isAskedRight(t: ExecutionContext, { healthcheck }: Service, { maxMemory }: Config): void {
  const [, program, script, path] = healthcheck?.test ?? [];
  t.is(program, 'node');
  t.true(existsSync(`${folder}../${script}`));
  t.true(httpPaths.find((row) => row.path === path)?.isProbe);
  const patience = Number(/^(\d+)m$/.exec(healthcheck?.start_period ?? '')?.[1]) * 60_000;
  t.true(patience >= loadingMsMax(maxMemory), 'it may read keys first');
}

test('the node by itself keeps its keys in its volume, and has the room and the time for it', (t) => {
  const service = serviceOf(persistent, 'node');
  const config = configOf('node', null, persistent);
  t.true(config.persistence);
  t.is(config.eviction, 'noeviction');
  t.deepEqual(service.volumes, [`node-keys:${config.dataDir}`]);
  t.deepEqual(Object.keys(persistent.volumes ?? {}), ['node-keys']);
  t.deepEqual(service.ports, [
    `127.0.0.1:${config.httpPort}:${config.httpPort}`,
    `127.0.0.1:${config.tcpPort}:${config.tcpPort}`,
  ]);
  hasRoomAndTime(t, service, config);
  isAskedRight(t, service, config);
});

for (const name of nodes) {
  test(`${name} is configured right, and is published where it says it is`, (t) => {
    const service = serviceOf(plain, name);
    const config = configOf(name);
    t.is(service.hostname, name);
    t.is(config.announceBus, name);
    t.is(config.bootstrapExpect, nodes.length);
    t.deepEqual(config.seeds, nodes);
    t.deepEqual(service.ports, [
      `127.0.0.1:${config.announceHttpPort}:${config.httpPort}`,
      `127.0.0.1:${config.announceTcpPort}:${config.tcpPort}`,
    ]);
    t.deepEqual(service.volumes, [`${name}-data:${config.dataDir}`]);
    t.true(config.allowedHosts.includes(name), 'Prometheus asks it by its name');
  });

  test(`${name} has memory beside its keys, and time to hand over`, (t) => {
    hasRoomAndTime(t, serviceOf(plain, name), configOf(name));
  });

  test(`${name} is asked by its health check for a path that there is, with a program of the image`, (t) => {
    isAskedRight(t, serviceOf(plain, name), configOf(name));
  });

  test(`${name} keeps its keys when that is asked for, in the volume that it has anyway`, (t) => {
    t.false(configOf(name).persistence);
    const config = configOf(name, null, keeping);
    t.true(config.persistence);
    t.is(config.fsync, 'always');
    t.deepEqual(serviceOf(keeping, name).volumes, [`${name}-data:${config.dataDir}`]);
    hasRoomAndTime(t, serviceOf(keeping, name), config);
  });

  test(`${name} asks for credentials and speaks TLS in the secure example, by secrets of its own`, (t) => {
    const config = configOf(name, secure);
    t.false(config.insecure);
    t.is(config.password, '');
    t.is(config.clusterSecret, 'secret', 'the one of the file, and not the example of the plain cluster');
    t.true(config.probeCredentials);
    t.deepEqual(secure.services[name]?.volumes, [`./secrets/${name}:/run/secrets/fluxcache:ro`]);
    for (const path of [config.usersFile, config.tlsCert, config.tlsKey, config.tlsCa]) {
      t.true(path.startsWith('/run/secrets/fluxcache/'), path);
    }
  });
}

test('files that services are given are there', (t) => {
  for (const { services } of [plain, secure]) {
    for (const { volumes = [] } of Object.values(services)) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('.') && !source.startsWith('./secrets/'))
          t.true(existsSync(`${folder}${source}`), source);
      }
    }
  }
});

test('Prometheus scrapes each node under the name that the rules ask for, with and without TLS', (t) => {
  for (const name of ['prometheus.yml', 'prometheus.secure.yml']) {
    const { rule_files, scrape_configs } = parse(readFileSync(`${folder}${name}`, 'utf8')) as {
      rule_files: string[];
      scrape_configs: { job_name: string; scheme?: string; static_configs: { targets: string[] }[] }[];
    };
    t.deepEqual(rule_files, ['../configs/prometheus/*.rules.yml']);
    const [job] = scrape_configs;
    t.is(job?.job_name, 'fluxcache');
    t.is(job?.scheme === 'https', name.includes('secure'));
    const targets = nodes.map((node) => `${node}:${configOf(node).httpPort}`);
    t.deepEqual(
      job?.static_configs.flatMap((config) => config.targets),
      targets,
    );
  }
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const testWithOpenssl = hasOpenssl ? test : test.skip;

/** A copy of make-secrets.sh, which writes beside itself, in a folder of its own. */
function secretsScript(t: ExecutionContext): { folder: string; make(...args: string[]): void } {
  const temporary = mkdtempSync(join(tmpdir(), 'fluxcache-secrets-'));
  t.teardown(() => rmSync(temporary, { recursive: true }));
  copyFileSync(`${folder}make-secrets.sh`, join(temporary, 'make-secrets.sh'));
  const make = (...args: string[]): void => {
    const { status, stderr } = spawnSync('sh', [join(temporary, 'make-secrets.sh'), ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`make-secrets.sh ${args.join(' ')}: ${stderr}`);
  };
  return { folder: join(temporary, 'secrets'), make };
}

testWithOpenssl(
  'make-secrets.sh makes every file that the secure example names, and users that its tokens let in',
  async (t) => {
    const { folder: secrets, make } = secretsScript(t);
    make();
    for (const name of nodes) {
      const { usersFile, tlsCert, tlsKey, tlsCa } = configOf(name, secure);
      const { FLUXCACHE_CONFIG, HEALTHCHECK_TOKEN_FILE } = secure.services[name]?.environment ?? {};
      for (const path of [usersFile, tlsCert, tlsKey, tlsCa, FLUXCACHE_CONFIG, HEALTHCHECK_TOKEN_FILE]) {
        t.true(existsSync(`${path}`.replace('/run/secrets/fluxcache', join(secrets, name))), path);
      }
      const certificate = new X509Certificate(readFileSync(join(secrets, name, 'node.pem')));
      t.true(certificate.verify(new X509Certificate(readFileSync(join(secrets, 'ca.pem'))).publicKey));
      t.truthy(certificate.checkHost(name));
      t.truthy(certificate.checkHost('localhost'));
      t.truthy(certificate.checkIP('127.0.0.1'));
    }
    const read = readUsersFile(join(secrets, 'node1', 'users.yaml'));
    const access = new Access(read.kind === 'accounts' ? read.accounts : [], { nowMs: Date.now });
    for (const [file, name] of Object.entries({
      'shop.token': 'shop',
      'operator.token': 'operator',
      'prometheus/token': 'prometheus',
      'node3/healthcheck.token': 'healthcheck',
    })) {
      const token = readFileSync(join(secrets, file), 'utf8').trim();
      const user = await access.authenticate(`Bearer ${token}`, '127.0.0.1');
      t.is(user instanceof AccessUser ? user.name : user.code, name);
    }
    t.is(statSync(secrets).mode & 0o077, 0, 'other users of the machine do not get in');
  },
);

testWithOpenssl(
  'made again, make-secrets.sh keeps what there is; renew makes new certificates and nothing else',
  (t) => {
    const { folder: secrets, make } = secretsScript(t);
    const contents = (): Map<string, string> =>
      new Map(
        readdirSync(secrets, { recursive: true, encoding: 'utf8' })
          .filter((file) => statSync(join(secrets, file)).isFile())
          .map((file) => [file, readFileSync(join(secrets, file), 'utf8')]),
      );
    make();
    const first = contents();
    make();
    t.deepEqual(contents(), first);
    make('renew');
    const renewed = contents();
    const changed = [...renewed].filter(([file, text]) => first.get(file) !== text).map(([file]) => file);
    t.deepEqual(changed.sort(), nodes.flatMap((node) => [`${node}/node.key`, `${node}/node.pem`]).sort());
    t.is(renewed.size, first.size);
    t.throws(() => make('renw'), { message: /renew/ });
  },
);
