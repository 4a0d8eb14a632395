import test from 'ava';
import { TroubleReports } from '../../../../src/shard/replicated/trouble-reports.ts';

test('each cause is told of once a minute, with how often it came about meanwhile', (t) => {
  const told: string[] = [];
  const reports = new TroubleReports((what) => told.push(what));
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100) reports.tell('cold', `cold at ${nowMs}`, nowMs);
  reports.tell('dark', 'dark', 30_000);
  t.deepEqual(told, ['cold at 0', 'dark']);
  reports.tell('cold', 'cold again', 60_000);
  reports.tell('dark', 'dark again', 90_000);
  t.deepEqual(told.slice(2), ['cold again (599 more since it was last told)', 'dark again']);
});
