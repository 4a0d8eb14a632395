import { readFileSync } from 'node:fs';
import test from 'ava';
import { durationMetric, metricTable } from '../../../src/monitoring/metric-table.ts';

const file = new URL('../../../Docker/grafana/dashboards/fluxcache.json', import.meta.url);

test('the dashboard asks for metrics that there are, by labels they have', (t) => {
  const labelsOf = new Map(metricTable.map(({ name, labels }) => [`fluxcache_${name}`, labels as readonly string[]]));
  labelsOf.set(`fluxcache_${durationMetric.name}_bucket`, [...durationMetric.labels, 'le']);
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as {
    panels: { title: string; targets: { expr: string; legendFormat: string }[] }[];
  };
  t.true(panels.length > 10);
  for (const { title, targets } of panels) {
    for (const { expr, legendFormat } of targets) {
      const names = expr.match(/fluxcache_\w+/g) ?? [];
      t.true(names.length > 0, title);
      for (const name of names) t.true(labelsOf.has(name), `${title}: ${name}`);
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => (list as string).split(', '));
      const told = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label as string);
      for (const label of [...grouped, ...told]) {
        // What Prometheus adds by itself.
        if (label === 'instance') continue;
        t.true(
          names.every((name) => labelsOf.get(name)?.includes(label)),
          `${title}: ${label}`,
        );
      }
    }
  }
});
