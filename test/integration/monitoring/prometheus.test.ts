import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse } from 'yaml';
import { ClusterProcesses } from '../../cluster-processes.ts';
import { isPrometheusInstalled, PrometheusProcess, type PrometheusSample } from '../../prometheus-process.ts';

/**
 * A real Prometheus that scrapes a real cluster under load, by the configuration and the rules as they are shipped, but
 * for addresses and for how long things take: a second between scrapes, and two before an alert fires.
 */

interface Config {
  readonly scrape_configs: readonly (Record<string, unknown> & { readonly relabel_configs?: unknown })[];
}

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly { readonly record?: string; readonly for?: string }[] }[];
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const WITHIN_MS = 40_000;
const PREFIX = 'user:';

const read = (path: string): unknown => parse(readFileSync(root + path, 'utf8'));
const ruleNames = readdirSync(`${root}configs/prometheus`).filter((name) => name.endsWith('.rules.yml'));
const boards = readdirSync(`${root}Docker/grafana/dashboards`);

const testWithPrometheus = isPrometheusInstalled() ? test.serial : test.serial.skip;

let cluster: ClusterProcesses;
let prometheus: PrometheusProcess;
let isLoading = true;
let loaded: Promise<unknown> = Promise.resolve();

test.before(async () => {
  if (!isPrometheusInstalled()) return;
  const flags = ['--shards', '2', '--metrics-prefixes', PREFIX, '--analysis-interval', '2s'];
  // What is told of the disk only such nodes tell.
  flags.push('--persistence', '--snapshot-interval', '2s');
  cluster = await ClusterProcesses.start({ count: 3, flags });
  loaded = Promise.all(cluster.nodes.map(({ url }) => loadNode(url)));
  prometheus = await PrometheusProcess.start(files());
});

test.after.always(async () => {
  isLoading = false;
  await loaded;
  await prometheus?.end();
  await cluster?.end();
});

testWithPrometheus('all nodes are scraped', async (t) => {
  await until('three targets are up', async () => {
    const { active } = await prometheus.targets();
    const ours = active.filter(({ labels }) => labels['job'] === 'fluxcache');
    return ours.length === 3 && ours.every(({ health }) => health === 'up');
  });
  t.deepEqual(
    (await prometheus.query('fluxcache_node_info')).map(({ metric }) => metric['url']).sort(),
    cluster.nodes.map(({ url }) => `${url}/`).sort(),
  );
});

testWithPrometheus('pods are found on Kubernetes by label and port, and named as they are', async (t) => {
  const { active, dropped } = await prometheus.targets();
  const pods = active.filter(({ labels }) => labels['job'] === 'kubernetes').map(({ labels }) => labels);
  t.deepEqual(pods, [{ job: 'kubernetes', namespace: 'cache', pod: 'fluxcache-0', instance: 'fluxcache-0' }]);
  t.deepEqual(
    dropped.map((labels) => labels['__meta_kubernetes_pod_name']).sort(),
    ['ended', 'fluxcache-0', 'other'],
    'another port, another application, and one that has ended',
  );
});

testWithPrometheus('every recording rule yields data', async (t) => {
  const names = ruleNames.flatMap((name) =>
    (read(`configs/prometheus/${name}`) as RuleFile).groups.flatMap(({ rules }) =>
      rules.flatMap(({ record }) => (record === undefined ? [] : [record])),
    ),
  );
  t.true(names.length > 20);
  await Promise.all(names.map((name) => until(`${name} has data`, async () => isData(await prometheus.query(name)))));
});

for (const board of boards) {
  testWithPrometheus(`every query of ${board} yields data`, async (t) => {
    const text = readFileSync(`${root}Docker/grafana/dashboards/${board}`, 'utf8');
    const { panels, annotations } = JSON.parse(text) as { panels: Panel[]; annotations: { list: { expr: string }[] } };
    for (const { expr } of annotations.list) await t.notThrowsAsync(prometheus.query(asked(expr)));
    t.true(panels.length > 10);
    let lacking = panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, refId }) => ({ title: `${title} (${refId})`, expr })),
    );
    const isLacking = async ({ expr }: { expr: string }) => !isData(await prometheus.query(asked(expr)));
    await until('every query has data', async () => {
      const are = await Promise.all(lacking.map(isLacking));
      lacking = lacking.filter((_, at) => are[at]);
      return lacking.every(({ title }) => needsEvent.has(title));
    }).catch(() => undefined);
    t.deepEqual(
      lacking.map(({ title }) => title).filter((title) => !needsEvent.has(title)),
      [],
    );
  });
}

testWithPrometheus('an alert fires when a node is killed, and resolves when it is back', async (t) => {
  const victim = cluster.nodes[2]?.name as string;
  const instance = `127.0.0.1:${cluster.addressesOf(victim).httpPort}`;
  const firing = async (name: string) =>
    (await prometheus.alerts()).find(({ labels, state }) => labels['alertname'] === name && state === 'firing');
  t.is(await firing('FluxCacheNodeDown'), undefined);
  await cluster.process(victim).kill();
  await until('FluxCacheNodeDown fires', async () => (await firing('FluxCacheNodeDown')) !== undefined);
  const down = await firing('FluxCacheNodeDown');
  t.is(down?.labels['instance'], instance);
  t.is(down?.annotations['summary'], `${instance} does not answer Prometheus.`);
  await until('FluxCacheFailover fires', async () => (await firing('FluxCacheFailover')) !== undefined);
  // As where its target goes with it: it is known by what the others say.
  await until('FluxCacheNodeMissing fires', async () => (await firing('FluxCacheNodeMissing')) !== undefined);
  t.regex((await firing('FluxCacheNodeMissing'))?.labels['node'] ?? '', new RegExp(`^${victim}`));
  await until('how long that took is told', async () => isData(await prometheus.query(failoverTime)));
  await cluster.startNode(victim);
  await until('FluxCacheNodeDown is resolved', async () => (await firing('FluxCacheNodeDown')) === undefined);
  await until('FluxCacheNodeMissing is resolved', async () => (await firing('FluxCacheNodeMissing')) === undefined);
  await until('every node is ready', async () => (await prometheus.query('sum(fluxcache_ready) == 3')).length === 1);
  t.is(await firing('FluxCachePartitionsOffline'), undefined);
  t.is(await firing('FluxCacheDataLost'), undefined);
});

const failoverTime = 'max(fluxcache_failover_duration_seconds)';

/** Panels that show something only once it has happened. */
const needsEvent = new Set([
  // No alert fires while all is well.
  'Alerts that are firing (A)',
  // There was no failover yet.
  'Time that the last failover took (A)',
]);

/** A query as Grafana sends it, of all nodes. */
function asked(expr: string): string {
  const query = expr.replaceAll('$__rate_interval', '30s').replace(/\$(namespace|job|instance)\b/g, '.*');
  if (query.includes('$')) throw new Error(`a variable that is not known: ${query}`);
  return query;
}

/** There is a number. What is divided by nothing is none. */
function isData(samples: readonly PrometheusSample[]): boolean {
  return samples.some(({ value }) => value[1] !== 'NaN');
}

function files(): Record<string, unknown> {
  const shipped = read('Docker/prometheus.yml') as Config;
  const targets = cluster.nodes.map(({ httpPort }) => `127.0.0.1:${httpPort}`);
  const inKubernetes = read('configs/prometheus/kubernetes.yml') as Config;
  const { kubernetes_sd_configs: _, ...kubernetes } = inKubernetes.scrape_configs[0] as Record<string, unknown>;
  return {
    'prometheus.yml': {
      ...shipped,
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ruleNames,
      scrape_configs: [
        { ...shipped.scrape_configs[0], static_configs: [{ targets }] },
        // Found, and not scraped: that is done above.
        {
          ...kubernetes,
          job_name: 'kubernetes',
          scrape_interval: '1h',
          file_sd_configs: [{ files: ['pods.yml'] }],
        },
      ],
    },
    'pods.yml': [
      pod('fluxcache-0', 'fluxcache', 'http', 'Running'),
      pod('fluxcache-0', 'fluxcache', 'bus', 'Running'),
      pod('other', 'other', 'http', 'Running'),
      pod('ended', 'fluxcache', 'http', 'Succeeded'),
    ],
    ...Object.fromEntries(ruleNames.map((name) => [name, hurried(read(`configs/prometheus/${name}`) as RuleFile)])),
  };
}

/** As Prometheus finds it in Kubernetes. */
function pod(name: string, application: string, port: string, phase: string): object {
  const labels = {
    namespace: 'cache',
    pod_name: name,
    pod_label_app_kubernetes_io_name: application,
    pod_container_port_name: port,
    pod_phase: phase,
  };
  return {
    targets: ['127.0.0.1:1'],
    labels: Object.fromEntries(Object.entries(labels).map(([label, value]) => [`__meta_kubernetes_${label}`, value])),
  };
}

function hurried({ groups }: RuleFile): RuleFile {
  return {
    groups: groups.map(({ rules, ...group }) => ({
      ...group,
      rules: rules.map((rule) => (rule.for === undefined ? rule : { ...rule, for: '2s' })),
    })),
  };
}

/** Sets and reads keys, half of which are not there, until it is told to stop; what fails is let go. */
async function loadNode(url: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  for (let number = 0; isLoading; number++) {
    const body = JSON.stringify({ key: `${PREFIX}${number % 500}`, value: 'x'.repeat(100), ttl: 600 });
    const commands = Array.from({ length: 60 }, (_, at) => ['GET', `${PREFIX}${(number * 61 + at * 7) % 1000}`]);
    const requests = [
      fetch(`${url}/set`, { method: 'POST', headers, body, signal: AbortSignal.timeout(2000) }),
      fetch(`${url}/get?key=${PREFIX}${(number * 7) % 1000}`, { signal: AbortSignal.timeout(2000) }),
      fetch(`${url}/pipeline`, {
        method: 'POST',
        headers,
        body: JSON.stringify(commands),
        signal: AbortSignal.timeout(2000),
      }),
    ];
    for (const answer of await Promise.allSettled(requests)) {
      if (answer.status === 'fulfilled') await answer.value.arrayBuffer().catch(() => null);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WITHIN_MS;
  let isHeld = await holds();
  while (!isHeld && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    isHeld = await holds();
  }
  if (!isHeld) throw new Error(`not within ${WITHIN_MS / 1000} s: ${what}`);
}
