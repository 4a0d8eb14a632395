import test from 'ava';
import type { SlowCommand } from '../../../../src/monitoring/dashboard/feed.ts';
import { slowGroups } from '../../../../src/monitoring/dashboard/page/slow-groups.js';

function slow(id: number, atMs: number, durationMs: number, word: string, client = 'c:1'): SlowCommand {
  return { id, atMs, durationMs, words: [word, `key:${id}`], client };
}

test('commands of a pipeline that were slow together are one line, with the longest of them', (t) => {
  const groups = slowGroups([
    slow(7, 5000, 10, 'get'),
    slow(6, 4990, 12, 'GET'),
    slow(5, 4990, 90, 'keys'),
    slow(4, 4980, 10, 'get', 'c:2'),
    slow(3, 4950, 11, 'get'),
    slow(2, 3000, 10, 'get'),
  ]);
  t.deepEqual(
    groups.map(({ first, count }) => [first.id, count]),
    [
      [6, 3],
      [5, 1],
      [4, 1],
      [2, 1],
    ],
  );
  t.deepEqual(slowGroups([]), []);
});
