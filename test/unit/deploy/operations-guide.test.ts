import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse } from 'yaml';
import { flagOf, optionNames, variableOf } from '../../../src/config/options.ts';
import { metricTable } from '../../../src/monitoring/metric-table.ts';

const configs = fileURLToPath(new URL('../../../configs/', import.meta.url));
const guide = readFileSync(`${configs}README.md`, 'utf8');

test('the operations guide says of every alert what to do, and of none that there is not', (t) => {
  const { groups } = parse(readFileSync(`${configs}prometheus/alerts.rules.yml`, 'utf8')) as {
    groups: { rules: { alert?: string }[] }[];
  };
  const alerts = groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? []));
  const told = [...guide.matchAll(/^\| `(FluxCache\w+)` \| \S/gm)].map(([, name]) => name);
  t.deepEqual([...told].sort(), [...alerts].sort());
});

test('options and metrics that the operations guide names exist', (t) => {
  // Of other programs: kubectl, docker-compose, the program fluxcache.
  const foreign = [
    '--namespace',
    '--kustomize',
    '--replicas',
    '--no-deps',
    '--build',
    '--json',
    '--partitions',
    '--force',
  ];
  foreign.push('--user', '--bigkeys', '--memkeys', '--latency', '--check-config', '--config', '--truncate', '--node');
  const flags = new Set([...optionNames.map(flagOf), ...foreign]);
  for (const [flag] of guide.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)) t.true(flags.has(flag), flag);
  const variables = new Set([...optionNames.map(variableOf), 'FLUXCACHE_URL']);
  for (const [variable] of guide.matchAll(/\bFLUXCACHE_[A-Z_]+/g)) t.true(variables.has(variable), variable);
  const metrics = new Set(metricTable.map(({ name }) => `fluxcache_${name}`));
  for (const [metric] of guide.matchAll(/\bfluxcache_[a-z_]+/g)) t.true(metrics.has(metric), metric);
});

test('files that the operations guide names are there', (t) => {
  for (const [, path = ''] of guide.matchAll(/\]\(([^)#]+)[^)]*\)/g)) t.true(existsSync(`${configs}${path}`), path);
  for (const name of readdirSync(configs)) {
    const isTold = guide.includes(`\`${name}\``) || guide.includes(`\`${name}/\``) || /^cluster-2|^README/.test(name);
    t.true(isTold, name);
  }
});
