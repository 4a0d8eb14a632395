import { readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import { durationMetric, metricTable } from '../../../src/monitoring/metric-table.ts';

const README = new URL('../../../src/monitoring/README.md', import.meta.url);
const SECTION = /(?<=<!-- metrics: begin -->\n)[\s\S]*(?=\n<!-- metrics: end -->)/;

function referenceMarkdown(): string {
  const rows = [...metricTable, { ...durationMetric, type: 'histogram' }].map(({ name, type, labels, help }) => {
    const labelled = labels.length === 0 ? '' : labels.map((label) => `\`${label}\``).join(', ');
    return `| \`fluxcache_${name}\` | ${type} | ${labelled} | ${help} |`;
  });
  return `| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}

test('the reference in src/monitoring/README.md is what the metric table says (FLUXCACHE_UPDATE_DOCS=1 rewrites it)', async (t) => {
  let text = await readFile(README, 'utf8');
  if (process.env['FLUXCACHE_UPDATE_DOCS'] === '1') {
    text = text.replace(SECTION, () => referenceMarkdown());
    await writeFile(README, text);
  }
  t.is(SECTION.exec(text)?.[0], referenceMarkdown());
});
