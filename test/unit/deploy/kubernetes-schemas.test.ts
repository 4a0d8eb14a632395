import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PrometheusRule, ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import test from 'ava';
import { StatefulSet } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Secret, Service } from 'kubernetes-models/v1';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { type Kind, manifestFaults } from '../../manifest-faults.ts';

const configs = fileURLToPath(new URL('../../../configs/', import.meta.url));

const kinds: Readonly<Record<string, Kind>> = {
  'v1 Service': Service,
  'v1 Secret': Secret,
  'apps/v1 StatefulSet': StatefulSet,
  'policy/v1 PodDisruptionBudget': PodDisruptionBudget,
  'networking.k8s.io/v1 NetworkPolicy': NetworkPolicy,
  'monitoring.coreos.com/v1 ServiceMonitor': ServiceMonitor,
  'monitoring.coreos.com/v1 PrometheusRule': PrometheusRule,
};

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
}

// Kubernetes reads YAML 1.1, in which 0440 is octal and yes a truth value.
function manifestsIn(file: string): Manifest[] {
  const documents = parseAllDocuments(readFileSync(`${configs}kubernetes/${file}`, 'utf8'), { version: '1.1' });
  return documents.map((document) => document.toJS() as Manifest);
}

const files = ['', 'monitoring/'].flatMap((folder) =>
  readdirSync(`${configs}kubernetes/${folder}`)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `${folder}${name}`),
);

for (const file of files.filter((name) => !name.endsWith('kustomization.yaml'))) {
  test(`${file} is as the schemas of Kubernetes have it, to the last field`, (t) => {
    const manifests = manifestsIn(file);
    t.true(manifests.length > 0);
    for (const manifest of manifests) {
      const name = `${manifest.apiVersion} ${manifest.kind}`;
      const kind = kinds[name];
      if (kind === undefined) t.fail(`there is no schema for ${name}`);
      else t.deepEqual(manifestFaults(manifest, kind), [], name);
    }
  });
}

test('a field of the wrong kind, and one that there is not, are found at any depth', (t) => {
  const [statefulSet] = manifestsIn('statefulset.yaml');
  const text = JSON.stringify(statefulSet);
  const faultsOf = (from: string, to: string): string[] => {
    t.true(text.includes(from), from);
    return manifestFaults(JSON.parse(text.replace(from, to)) as object, StatefulSet);
  };
  t.regex(faultsOf('"replicas":3', '"replicas":"three"').join(), /replicas/);
  t.regex(faultsOf('"kind":"StatefulSet"', '"kind":"Deployment"').join(), /kind/);
  t.deepEqual(faultsOf('"periodSeconds":1,', '"periodMs":1,'), [
    '/spec/template/spec/containers/0/startupProbe/periodMs: there is no such field',
  ]);
  t.deepEqual(faultsOf('"fsGroup":', '"fsgroup":'), [
    '/spec/template/spec/securityContext/fsgroup: there is no such field',
  ]);
  t.deepEqual(faultsOf('"maxSkew":1,', '"maxSkew":1,"by":2,'), [
    '/spec/template/spec/topologySpreadConstraints/0/by: there is no such field',
  ]);
});

test('each kustomization names what lies beside it, but for examples', (t) => {
  for (const folder of ['', 'monitoring/']) {
    const { resources } = parse(readFileSync(`${configs}kubernetes/${folder}kustomization.yaml`, 'utf8')) as {
      resources: string[];
    };
    const beside = files.filter((file) => file.startsWith(folder) && !file.slice(folder.length).includes('/'));
    const wanted = beside.map((file) => file.slice(folder.length));
    t.deepEqual(
      [...resources].sort(),
      wanted.filter((name) => name !== 'kustomization.yaml' && !name.includes('.example.')).sort(),
    );
  }
});

test('the rules for the operator are those of configs/prometheus (FLUXCACHE_UPDATE_DOCS=1 rewrites them)', (t) => {
  const path = `${configs}kubernetes/monitoring/prometheus-rule.yaml`;
  const rules = readdirSync(`${configs}prometheus`).filter((name) => name.endsWith('.rules.yml'));
  t.true(rules.length > 0);
  const groups = rules
    .sort()
    .flatMap((name) => (parse(readFileSync(`${configs}prometheus/${name}`, 'utf8')) as { groups: unknown[] }).groups);
  const manifest = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'fluxcache', labels: { 'app.kubernetes.io/name': 'fluxcache' } },
    spec: { groups },
  };
  if (process.env['FLUXCACHE_UPDATE_DOCS'] === '1') {
    const head = `# Made from ${rules.map((name) => `../../prometheus/${name}`).join(' and ')}: change those, then have this follow:\n#   FLUXCACHE_UPDATE_DOCS=1 npx ava test/unit/deploy/kubernetes-schemas.test.ts\n`;
    writeFileSync(path, head + stringify(manifest, { lineWidth: 0 }));
  }
  t.deepEqual(parse(readFileSync(path, 'utf8')), manifest);
});
