import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse, parseAllDocuments } from 'yaml';
import type { Config } from '../../../src/config/options.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { httpPaths } from '../../../src/protocol/http/paths.ts';
import { AccessOrigin } from '../../../src/server/access/origin.ts';
import { readUsersFile } from '../../../src/server/access/users-file.ts';
import {
  imageEnvironment,
  keepingProcessBytesBeside,
  keptBytesMax,
  loadingMsMax,
  processBytesBeside,
} from '../../image.ts';

const folder = fileURLToPath(new URL('../../../configs/kubernetes/', import.meta.url));

type Labels = Readonly<Record<string, string>>;
interface Metadata {
  readonly name: string;
  readonly labels: Labels;
}
interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
  };
}
interface Probe {
  readonly periodSeconds: number;
  readonly failureThreshold: number;
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Container {
  readonly image: string;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env: readonly Variable[];
  readonly resources: { readonly requests: Labels; readonly limits: Labels };
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly [string, string] } } };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}
interface StatefulSet {
  readonly metadata: Metadata;
  readonly spec: {
    readonly serviceName: string;
    readonly replicas: number;
    readonly podManagementPolicy: string;
    readonly selector: { readonly matchLabels: Labels };
    readonly template: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: { readonly fsGroup: number };
        readonly containers: readonly [Container];
        readonly volumes: readonly { readonly name: string; readonly secret?: SecretVolume }[];
        readonly topologySpreadConstraints: readonly {
          readonly topologyKey: string;
          readonly whenUnsatisfiable: string;
          readonly labelSelector: { readonly matchLabels: Labels };
        }[];
      };
    };
    readonly volumeClaimTemplates: readonly {
      readonly metadata: Metadata;
      readonly spec: { readonly resources: { readonly requests: Labels } };
    }[];
  };
}
interface SecretVolume {
  readonly secretName: string;
  readonly items: readonly { readonly key: string; readonly path: string }[];
}
interface Service {
  readonly metadata: Metadata;
  readonly spec: {
    readonly clusterIP?: string;
    readonly publishNotReadyAddresses?: boolean;
    readonly selector: Labels;
    readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
  };
}
interface Secret {
  readonly metadata: Metadata;
  readonly stringData: Labels;
}
interface Policy {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Labels };
    readonly ingress: readonly { readonly ports: readonly { readonly port: string }[] }[];
  };
}

function one<Manifest>(file: string): Manifest {
  return parse(readFileSync(`${folder}${file}`, 'utf8'), { version: '1.1' }) as Manifest;
}

const services = parseAllDocuments(readFileSync(`${folder}services.yaml`, 'utf8')).map(
  (document) => document.toJS() as Service,
);
const [nodes, clients] = services as [Service, Service];
const { metadata, spec } = one<StatefulSet>('statefulset.yaml');
const secret = one<Secret>('secret.example.yaml');
const policy = one<Policy>('network-policy.yaml');
const pod = spec.template.spec;
const [container] = pod.containers;

/** The variables of the pod `number`, as Kubernetes makes them, in the namespace `cache`. */
function environmentOf(number: number): Map<string, string> {
  const fields: Labels = { 'metadata.name': `${metadata.name}-${number}`, 'metadata.namespace': 'cache' };
  const made = new Map<string, string>();
  for (const { name, value, valueFrom } of container.env) {
    const field = valueFrom?.fieldRef?.fieldPath;
    const key = valueFrom?.secretKeyRef?.key;
    // A label that the pod has not got is an empty text.
    const found = value ?? (field === undefined ? secret.stringData[key ?? ''] : (fields[field] ?? ''));
    made.set(
      name,
      (found ?? `no ${name}`).replaceAll(
        /\$\((\w+)\)/g,
        (text, of: string) => made.get(of) ?? `${text} is not made yet`,
      ),
    );
  }
  return made;
}

function configOf(number: number, set: Labels = {}): Config {
  const environment = new Map([...imageEnvironment(), ...environmentOf(number), ...Object.entries(set)]);
  const machine = { cores: 64, hostName: `${metadata.name}-${number}` };
  const resolution = resolveConfig({ flags: new Map(), environment, file: undefined, machine });
  if (resolution.kind === 'problems') throw new Error(resolution.problems.join('\n'));
  return resolution.resolved.config;
}

/** As Kubernetes writes it. */
function bytesOf(quantity: string): number {
  const [, digits = '', unit = ''] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? [];
  return Number(digits) * (unit === 'Gi' ? 2 ** 30 : 2 ** 20);
}

const config = configOf(1);

test('every variable is one of an option, and together they are a right configuration of a node in a cluster', (t) => {
  t.is(config.nodeName, 'fluxcache-1');
  t.is(config.bootstrapExpect, spec.replicas);
  t.is(config.zone, '');
  t.false(config.insecure);
  t.is(spec.podManagementPolicy, 'Parallel', 'founders wait for each other');
});

test('nodes find each other by the headless service, before they are ready', (t) => {
  t.is(spec.serviceName, nodes.metadata.name);
  t.is(nodes.spec.clusterIP, 'None');
  t.true(nodes.spec.publishNotReadyAddresses);
  t.deepEqual(config.seeds, [`${nodes.metadata.name}:${config.busPort}`]);
});

test('each node announces a name of its own, which the headless service gives it', (t) => {
  const name = `fluxcache-1.${nodes.metadata.name}.cache.svc`;
  t.is(config.announceHost, name);
  t.is(config.announceBus, `${name}:${config.busPort}`);
  t.is(config.announceLink, `${name}:${config.tcpPort}`);
  t.not(configOf(2).announceBus, config.announceBus);
});

test('a node answers requests over HTTP by all names that services give it, and by no other', (t) => {
  const origin = new AccessOrigin(config.bind, config.allowedHosts, []);
  const { name } = clients.metadata;
  const hosts = [name, `${name}.cache`, `${name}.cache.svc`, `${name}.cache.svc.cluster.local`, config.announceHost];
  hosts.push(`fluxcache-1.${nodes.metadata.name}`, `${config.announceHost}.cluster.local`, '10.1.2.3');
  for (const host of hosts) t.true(origin.answersFor(`${host}:${config.httpPort}`), host);
  for (const host of ['example.com', `${name}.other.svc`]) t.false(origin.answersFor(host), host);
});

test('ports are the same in the options, the container, the services and the network policy', (t) => {
  const ports = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]));
  t.deepEqual(
    ports,
    new Map([
      ['http', config.httpPort],
      ['tcp', config.tcpPort],
      ['bus', config.busPort],
    ]),
  );
  for (const service of services) {
    for (const { name, port, targetPort } of service.spec.ports) {
      t.is(ports.get(targetPort), port, `${service.metadata.name} ${name}`);
    }
  }
  t.false(clients.spec.ports.some(({ targetPort }) => targetPort === 'bus'));
  const allowed = new Set(policy.spec.ingress.flatMap((rule) => rule.ports.map(({ port }) => port)));
  t.deepEqual([...allowed].sort(), [...ports.keys()].sort());
});

test('whatever selects pods selects these', (t) => {
  const budget = one<{ spec: { selector: { matchLabels: Labels } } }>('disruption-budget.yaml');
  const selectors = [
    spec.selector.matchLabels,
    ...services.map((service) => service.spec.selector),
    ...pod.topologySpreadConstraints.map(({ labelSelector }) => labelSelector.matchLabels),
    budget.spec.selector.matchLabels,
    policy.spec.podSelector.matchLabels,
  ];
  for (const selector of selectors) t.like(spec.template.metadata.labels, selector);
});

test('probes ask for paths that there are, at a port that there is, without credentials', (t) => {
  const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
  t.deepEqual(
    probes.map(({ httpGet }) => httpGet.path),
    ['/livez', '/livez', '/readyz'],
  );
  for (const { httpGet } of probes) {
    t.true(httpPaths.find(({ path }) => path === httpGet.path)?.isProbe);
    t.is(httpGet.port, 'http');
  }
  t.false(config.probeCredentials);
});

test('the limit of memory has room for the process beside the keys, and is what is asked for', (t) => {
  const limit = bytesOf(container.resources.limits['memory'] ?? '');
  t.true(limit >= config.maxMemory + keepingProcessBytesBeside(config));
  t.is(container.resources.requests['memory'], container.resources.limits['memory']);
  t.is(container.resources.limits['cpu'], undefined, 'a node that is held up loses its lease');
  // One for the main thread; the shards' are asleep when nobody writes.
  t.true(Number(container.resources.requests['cpu']) >= 2);
});

test('nodes insist on machines of their own, but as one machine is told to take them all', (t) => {
  const spread = pod.topologySpreadConstraints.find(({ topologyKey }) => topologyKey === 'kubernetes.io/hostname');
  t.is(spread?.whenUnsatisfiable, 'DoNotSchedule');
  const [, script = ''] = /\| sed '([^']+)'/.exec(readFileSync(`${folder}kustomization.yaml`, 'utf8')) ?? [];
  const { stdout } = spawnSync('sed', [script, `${folder}statefulset.yaml`], { encoding: 'utf8' });
  const small = (parse(stdout, { version: '1.1' }) as StatefulSet).spec.template.spec;
  t.true(small.topologySpreadConstraints.every(({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway'));
  const { env, resources } = small.containers[0];
  t.is(env.find(({ name }) => name === 'FLUXCACHE_MAX_MEMORY')?.value, '256mb');
  const limit = bytesOf(resources.limits['memory'] ?? '');
  t.true(limit >= 2 ** 28 + processBytesBeside(2 ** 28) && limit <= 2 ** 30);
  t.deepEqual(resources.requests, { cpu: '250m', memory: resources.limits['memory'] });
});

test('a pod has the time to hand over what it serves', (t) => {
  const [program, seconds] = container.lifecycle.preStop.exec.command;
  t.is(program, 'sleep');
  t.true(pod.terminationGracePeriodSeconds * 1000 >= Number(seconds) * 1000 + config.drainTimeout + 10_000);
});

test('what a node must not forget is on a volume, and where it writes otherwise is memory', (t) => {
  const mounts = new Map(container.volumeMounts.map(({ name, mountPath }) => [mountPath, name]));
  const claims = spec.volumeClaimTemplates.map((claim) => claim.metadata.name);
  t.true(claims.includes(mounts.get(config.dataDir) ?? 'nothing'));
  t.truthy(mounts.get('/tmp'));
  for (const name of mounts.values()) {
    t.true(claims.includes(name) || pod.volumes.some((volume) => volume.name === name), name);
  }
});

test('told to, pods keep their keys: the volume holds them, and whoever waits for a start waits until they are read', (t) => {
  t.false(config.persistence);
  t.is(container.env.filter(({ name }) => /^FLUXCACHE_(PERSISTENCE|FSYNC)$/.test(name)).length, 2);
  const keeping = configOf(1, { FLUXCACHE_PERSISTENCE: 'true', FLUXCACHE_FSYNC: 'always' });
  t.true(keeping.persistence);
  const mount = container.volumeMounts.find(({ mountPath }) => mountPath === keeping.dataDir);
  const claim = spec.volumeClaimTemplates.find(({ metadata: { name } }) => name === mount?.name);
  t.true(bytesOf(claim?.spec.resources.requests['storage'] ?? '') >= keptBytesMax(keeping.maxMemory) + 2 ** 30);
  const { periodSeconds, failureThreshold } = container.startupProbe;
  t.true(periodSeconds * failureThreshold * 1000 >= loadingMsMax(keeping.maxMemory));
});

test('the example of a secret has what pods take from it, and its users are let in', (t) => {
  for (const { valueFrom } of container.env) {
    if (valueFrom?.secretKeyRef === undefined) continue;
    t.is(valueFrom.secretKeyRef.name, secret.metadata.name);
    t.truthy(secret.stringData[valueFrom.secretKeyRef.key]);
  }
  const volume = pod.volumes.find((candidate) => candidate.secret !== undefined);
  t.is(volume?.secret?.secretName, secret.metadata.name);
  const mount = container.volumeMounts.find(({ name }) => name === volume?.name);
  const [item] = volume?.secret?.items ?? [];
  t.is(config.usersFile, `${mount?.mountPath}/${item?.path}`);
  const temporary = mkdtempSync(join(tmpdir(), 'fluxcache-'));
  t.teardown(() => rmSync(temporary, { recursive: true }));
  const path = join(temporary, 'users.yaml');
  writeFileSync(path, secret.stringData[item?.key ?? ''] ?? '');
  t.is(readUsersFile(path).kind, 'accounts');
});

test("Prometheus' operator finds each pod once, under the name that the rules ask for", (t) => {
  const monitor = one<{
    spec: {
      jobLabel: string;
      selector: { matchLabels: Labels };
      endpoints: readonly { port: string; path: string }[];
    };
  }>('monitoring/service-monitor.yaml').spec;
  const wanted = Object.entries(monitor.selector.matchLabels);
  const found = services.filter((service) => wanted.every(([name, value]) => service.metadata.labels[name] === value));
  t.deepEqual(found, [nodes]);
  t.is(nodes.metadata.labels[monitor.jobLabel], 'fluxcache');
  for (const { port, path } of monitor.endpoints) {
    t.truthy(nodes.spec.ports.find(({ name }) => name === port));
    t.truthy(httpPaths.find((row) => row.path === path));
  }
});
