import test from 'ava';
import { testScale } from '../scale.ts';
import { profileNames, profileOf } from './profiles.ts';
import { runSeed } from './run-seed.ts';

test('the same seed does the same, printed or not; another seed does something else', (t) => {
  const lines: string[] = [];
  const first = runSeed(2);
  const second = runSeed(2, { print: (line) => lines.push(line), printsMessages: true });
  t.is(first.traceHash, second.traceHash);
  t.deepEqual(first.statistics, second.statistics);
  t.true(lines.length > first.statistics.frames);
  t.not(runSeed(2 + profileNames.length).traceHash, first.traceHash);
});

for (const [index, profile] of profileNames.entries()) {
  test(`worlds of the profile '${profile}' keep every promise`, (t) => {
    for (let round = 0; round < testScale; round++) {
      const seed = 1_000_000 + round * profileNames.length + index;
      const result = runSeed(seed, { profile });
      t.is(result.violation?.stack ?? null, null, `npm run -s simulate -- --seed ${seed} --profile ${profile} --trace`);
      t.true(result.statistics.acknowledged > 0, `seed ${seed} acknowledged nothing`);
    }
  });
}

test('seeds take turns through the profiles', (t) => {
  t.deepEqual(new Set(Array.from({ length: 32 }, (_, seed) => profileOf(seed))), new Set(profileNames));
});
