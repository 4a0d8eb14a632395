import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { durationMetric, metricTable } from '../../../src/monitoring/metric-table.ts';

/** The dashboards for Grafana, by themselves: that their queries yield data is seen with a real Prometheus. */

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

interface Board {
  readonly uid: string;
  readonly title: string;
  readonly links: readonly { readonly url: string }[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly Target[];
  }[];
}

const folder = new URL('../../../Docker/grafana/dashboards/', import.meta.url);
const files = readdirSync(folder);
const boards = files.map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Board);

/** What Prometheus adds by itself. */
const ofTargets = ['instance', 'job', 'namespace'];
const labelsOf = new Map<string, readonly string[]>(
  metricTable.map(({ name, labels }) => [`fluxcache_${name}`, [...labels, ...ofTargets]]),
);
for (const part of ['bucket', 'count', 'sum']) {
  const labels = part === 'bucket' ? [...durationMetric.labels, 'le'] : durationMetric.labels;
  labelsOf.set(`fluxcache_${durationMetric.name}_${part}`, [...labels, ...ofTargets]);
}

for (const { uid, panels } of boards) {
  test(`${uid} asks for metrics that there are, by labels they have`, (t) => {
    t.true(panels.length > 15);
    for (const { title, targets = [] } of panels) {
      for (const { expr, legendFormat } of targets) {
        const names = expr.match(/\bfluxcache_\w+/g) ?? [];
        for (const name of names) t.true(labelsOf.has(name), `${title}: ${name}`);
        const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => (list as string).split(', '));
        const told = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label as string);
        for (const label of told) t.true(grouped.includes(label), `${title}: {{${label}}} is of no group`);
        for (const label of grouped) {
          const isKnown = names.length === 0 || names.some((name) => labelsOf.get(name)?.includes(label));
          t.true(isKnown, `${title}: ${label}`);
        }
      }
    }
  });

  test(`${uid} asks only for the nodes that are chosen`, (t) => {
    for (const { title, targets = [] } of panels) {
      for (const { expr } of targets) {
        for (const [, selector] of expr.matchAll(/\bfluxcache_\w+\{([^}]*)\}/g)) {
          t.regex(selector as string, /namespace=~"\$namespace", job=~"\$job"/, title);
        }
      }
    }
  });

  test(`${uid} has panels that neither overlap nor share a name`, (t) => {
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      const { x, y, w, h } = gridPos;
      t.true(x + w <= 24, title);
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          const place = `${column} ${row}`;
          t.false(taken.has(place), `${title} lies over another panel`);
          taken.add(place);
        }
      }
    }
    const titles = panels.map(({ title }) => title);
    t.is(new Set(titles).size, titles.length);
    t.is(new Set(panels.map(({ id }) => id)).size, panels.length);
  });
}

test('dashboards lead to each other', (t) => {
  const uids = boards.map(({ uid }) => uid);
  t.deepEqual(files.sort(), uids.map((uid) => `${uid}.json`).sort());
  for (const { uid, links, templating } of boards) {
    t.deepEqual(
      links.map(({ url }) => url).sort(),
      uids
        .filter((other) => other !== uid)
        .map((other) => `/d/${other}`)
        .sort(),
    );
    t.deepEqual(
      templating.list.map(({ name }) => name),
      ['datasource', 'namespace', 'job', 'instance'],
    );
  }
});

test('the first dashboard leads to the dashboard that a node serves itself', (t) => {
  const overview = readFileSync(new URL('fluxcache-overview.json', folder), 'utf8');
  t.true(overview.includes('fluxcache_node_info') && overview.includes('__data.fields.Dashboard'));
});
