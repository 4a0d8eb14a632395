import test from 'ava';
import { readSimulateOptions } from './simulate-options.ts';

test('without options a hundred seeds are run from the first on', (t) => {
  const options = readSimulateOptions([]);
  t.like(options, { from: 1, seeds: 100, minutes: Number.POSITIVE_INFINITY, seed: null, trace: false, json: false });
});

test('minutes alone set no number of seeds', (t) => {
  t.like(readSimulateOptions(['--minutes', '0.5']), { seeds: Number.POSITIVE_INFINITY, minutes: 0.5 });
  t.like(readSimulateOptions(['--minutes', '1', '--seeds', '7']), { seeds: 7, minutes: 1 });
});

test('one seed can be run alone, by profile, and printed', (t) => {
  const options = readSimulateOptions(['--seed', '12', '--profile', 'disks', '--trace']);
  t.like(options, { seed: 12, profile: 'disks', trace: true });
});

for (const [args, what] of [
  [['--seeds', '0'], /--seeds must be a whole number from 1/],
  [['--seeds', '1.5'], /--seeds must be a whole number/],
  [['--seeds', ''], /--seeds must be a whole number/],
  [['--minutes', 'soon'], /--minutes must be a number from 0\.01/],
  [['--jobs', '0'], /--jobs must be a whole number from 1/],
  [['--profile', 'sunny'], /--profile must be one of calm, single,/],
  [['--trace'], /--trace needs --seed/],
  [['--failovers', '9', '--seed', '1'], /--failovers goes with --from alone/],
  [['--sedes', '9'], /--sedes/],
  [['10'], /10/],
] as const) {
  test(`'${args.join(' ')}' is refused with what is allowed`, (t) => {
    const refusal = readSimulateOptions(args);
    t.regex(typeof refusal === 'string' ? refusal : '', what);
  });
}

test('--help asks for nothing else', (t) => {
  t.is(readSimulateOptions(['--help']), null);
});
