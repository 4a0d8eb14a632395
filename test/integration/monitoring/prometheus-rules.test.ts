import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse } from 'yaml';
import { durationMetric, metricTable } from '../../../src/monitoring/metric-table.ts';

/** The rules for Prometheus in configs/prometheus, by Prometheus's own tool and by what the node exports. */

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

interface TestFile {
  readonly tests: readonly {
    readonly promql_expr_test: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[];
  }[];
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = `${root}configs/prometheus`;
const ruleFiles = readdirSync(folder).filter((name) => name.endsWith('.rules.yml'));
const testFiles = readdirSync(`${folder}/tests`).filter((name) => name.endsWith('.test.yml'));
const rules = ruleFiles.flatMap((name) =>
  (parse(readFileSync(`${folder}/${name}`, 'utf8')) as RuleFile).groups.flatMap((group) => group.rules),
);
const alerts = rules.filter((rule) => rule.alert !== undefined);
const isPromtoolThere = spawnSync('promtool', ['--version']).error === undefined;
const testWithPromtool = isPromtoolThere ? test : test.skip;

function promtool(...args: string[]): { isRight: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8', timeout: 120_000 });
  return { isRight: status === 0, output: stdout + stderr };
}

testWithPromtool('Prometheus takes the rules, and the configuration of the compose file with them', (t) => {
  const { isRight, output } = promtool('check', 'rules', ...ruleFiles);
  t.true(isRight, output);
  const checked = promtool('check', 'config', `${root}Docker/prometheus.yml`);
  t.true(checked.isRight, checked.output);
  t.regex(checked.output, new RegExp(`${ruleFiles.length} rule files found`));
});

testWithPromtool('rules work out what their tests say', (t) => {
  const { isRight, output } = promtool('test', 'rules', ...testFiles.map((name) => `tests/${name}`));
  t.true(isRight, output);
});

test('of every alert it is tested that it fires, and that it does not when it should not', (t) => {
  const checks = testFiles.flatMap((name) =>
    (parse(readFileSync(`${folder}/tests/${name}`, 'utf8')) as TestFile).tests.flatMap((one) => one.promql_expr_test),
  );
  t.true(alerts.length > 20);
  for (const { alert } of alerts) {
    const about = checks.filter(({ expr }) => expr.includes(`alertname="${alert}"`));
    t.true(
      about.some(({ exp_samples }) => exp_samples.length > 0),
      `${alert}: fires`,
    );
    t.true(
      about.every(({ exp_samples }) => exp_samples.length <= 1),
      `${alert}: fires for one of several`,
    );
  }
});

test('every alert says how grave it is, what is the matter, and what to look at', (t) => {
  for (const { alert, labels, annotations } of alerts) {
    t.regex(alert ?? '', /^FluxCache[A-Z]/);
    t.true(['critical', 'warning', 'info'].includes(labels?.['severity'] ?? ''), alert);
    t.regex(annotations?.['summary'] ?? '', /\.$/, alert);
    t.regex(annotations?.['description'] ?? '', /\.$/, alert);
  }
});

test('every alert is in the list of alerts beside the rules', (t) => {
  const text = readFileSync(`${folder}/README.md`, 'utf8');
  const listed = [...text.matchAll(/^\| `(FluxCache\w+)` \| (\w+) \|/gm)].map(([, name, severity]) => ({
    name,
    severity,
  }));
  t.deepEqual(
    listed,
    alerts.map(({ alert, labels }) => ({ name: alert, severity: labels?.['severity'] })),
  );
});

test('rules ask for metrics that nodes export and for what other rules record, by labels these have', (t) => {
  const recorded = new Set(rules.map(({ record }) => record));
  const labelsOf = new Map(metricTable.map(({ name, labels }) => [`fluxcache_${name}`, labels as readonly string[]]));
  labelsOf.set(`fluxcache_${durationMetric.name}_bucket`, [...durationMetric.labels, 'le']);
  for (const { expr, record, alert } of rules) {
    const title = record ?? alert ?? '';
    for (const [name, labels = ''] of selectorsOf(expr)) {
      if (name.includes(':')) {
        t.true(recorded.has(name), `${title}: ${name}`);
        continue;
      }
      const known = labelsOf.get(name);
      t.truthy(known, `${title}: ${name}`);
      for (const [, label] of labels.matchAll(/(\w+)(?:=~|!~|!=|=)/g)) {
        t.true(known?.includes(label as string), `${title}: ${name}{${label}}`);
      }
    }
  }
});

/** Names of metrics with what is between their braces. */
function selectorsOf(expr: string): [name: string, labels: string | undefined][] {
  const found = expr.matchAll(/((?:\w+:)?fluxcache_\w+(?::\w+)?)(?:\{([^}]*)\})?/g);
  return [...found].map(([, name, labels]) => [name as string, labels]);
}
