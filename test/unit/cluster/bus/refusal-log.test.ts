import test from 'ava';
import { RefusalLog } from '../../../../src/cluster/bus/refusal-log.ts';

interface Line {
  fields: object;
  message: string;
}

function logOf(lines: Line[]): RefusalLog {
  const nothing = (): void => undefined;
  const warn = (fields: object, message: string): void => void lines.push({ fields, message });
  return new RefusalLog({ debug: nothing, info: nothing, warn, error: nothing });
}

test('one line for each key and minute, with how many were left out before it', (t) => {
  const lines: Line[] = [];
  const log = logOf(lines);
  t.true(log.warn('a', 0, { x: 1 }, 'refused'));
  for (let ms = 1; ms < 60_000; ms += 1000) t.false(log.warn('a', ms, { x: 1 }, 'refused'));
  t.true(log.warn('b', 59_999, {}, 'refused'));
  t.true(log.warn('a', 60_000, { x: 2 }, 'refused'));
  t.false(log.warn('a', 60_001, { x: 2 }, 'refused'));
  t.deepEqual(lines, [
    { fields: { x: 1 }, message: 'refused' },
    { fields: {}, message: 'refused' },
    { fields: { x: 2, untold: 60 }, message: 'refused' },
  ]);
});

test('of more keys than a minute has lines, their number is told', (t) => {
  const lines: Line[] = [];
  const log = logOf(lines);
  for (let key = 0; key < 100_000; key++) log.warn(`${key}`, key / 1000, {}, 'refused');
  t.is(lines.length, 257);
  t.deepEqual(lines[256], { fields: { connections: 1 }, message: 'the bus refuses connections of many addresses' });
  t.true(log.warn('after a minute', 61_000, {}, 'refused'));
  for (let key = 0; key < 1000; key++) log.warn(`later ${key}`, 119_000, {}, 'refused');
  t.true(lines.length <= 257 + 258, `${lines.length}`);
  t.true(lines.some(({ fields }) => 'connections' in fields && Number(fields.connections) > 99_000));
});
