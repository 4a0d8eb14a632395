import test from 'ava';
import { runSeed } from './run-seed.ts';
import { silentWitness } from './silent-witness.ts';
import { describeFailure, describeProgress, describeSeed, describeSummary, duration } from './simulate-report.ts';

const notice = (): never => {
  throw new Error('made up');
};

test('a violation of one seed is counted, and its stack told once, trace and all', (t) => {
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  const result = runSeed(2, { profile: 'calm', print, witness: () => ({ ...silentWitness(), inspect: notice }) });
  lines.push(describeSeed(result));
  t.regex(lines.join('\n'), /\nviolations +1\n\nafter 250\.000 ms: Error: made up\n/);
  t.is(lines.join('\n').split(' at inspectUntil').length, 2);
});

test('a summary of fewer seeds than asked for says why, with large numbers in groups', (t) => {
  const { statistics } = runSeed(2, { profile: 'calm', witness: () => ({ ...silentWitness(), inspect: notice }) });
  const summary = {
    seeds: 1200,
    seedsAsked: 30_000,
    stopped: 'interrupted',
    statistics,
    failures: [],
    wallSeconds: 60,
  };
  t.regex(describeSummary(summary), /^seeds +1 200 of 30 000 \(stopped: interrupted\) in 60 s, 20\.00 a second\n/);
  t.regex(describeProgress(summary, Number.POSITIVE_INFINITY), /^60 s: 1 200 of 30 000 seeds, about 24 min left; /);
  t.regex(describeProgress(summary, 3), /about 120 s left|about 2 min left/);
  t.regex(describeProgress({ ...summary, seedsAsked: null }, 2), /^60 s: 1 200 seeds, about 60 s left; /);
});

test('a seed that did not end has no simulated time', (t) => {
  const failure = { seed: 7, profile: 'calm', message: 'no answer for 60 s', atMs: null } as const;
  t.is(
    describeFailure(failure),
    'seed 7 (calm): no answer for 60 s\n  replay: npm run -s simulate -- --seed 7 --profile calm --trace',
  );
  t.deepEqual([1400, 42_000, 600_000, 9e6].map(duration), ['1.4 s', '42 s', '10 min', '2.5 hours']);
});
