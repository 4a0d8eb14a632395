import test from 'ava';
import { labelsText, MetricsText } from '../../../src/monitoring/metrics-text.ts';

test('a family is its help, its type and its samples, in the order they came', (t) => {
  const page = new MetricsText();
  page.family('some_total', 'counter', 'What it is.');
  page.sample({}, 3);
  page.family('other', 'gauge', 'Another.');
  page.sample({ node: 'a', zone: '' }, 0.25);
  page.line('_bucket', 'le="+Inf"', 7);
  t.is(
    String(page),
    '# HELP some_total What it is.\n# TYPE some_total counter\nsome_total 3\n' +
      '# HELP other Another.\n# TYPE other gauge\nother{node="a",zone=""} 0.25\nother_bucket{le="+Inf"} 7\n',
  );
});

test('quotes, backslashes and line ends in labels are escaped, other characters stay', (t) => {
  t.is(labelsText({ node: 'a"b\\c\nd', zone: 'é{},=' }), 'node="a\\"b\\\\c\\nd",zone="é{},="');
});

test('numbers that are none are written as Prometheus reads them', (t) => {
  const page = new MetricsText();
  page.family('level', 'gauge', 'A level.');
  for (const value of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1e21, 5e-7]) {
    page.sample({}, value);
  }
  const values = String(page).split('\n').slice(2, -1);
  t.deepEqual(values, ['level +Inf', 'level -Inf', 'level NaN', 'level 1e+21', 'level 5e-7']);
});
