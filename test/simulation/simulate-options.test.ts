import test from 'ava';
import { faultKinds } from './fault-kinds.ts';
import { profileNames } from './profiles.ts';
import { readSimulateOptions, usage } from './simulate-options.ts';

test('without options a hundred seeds are run from the first on', (t) => {
  const options = readSimulateOptions([]);
  t.like(options, { from: 1, seeds: 100, minutes: Number.POSITIVE_INFINITY, seed: null, trace: null, json: false });
});

test('minutes alone set no number of seeds', (t) => {
  t.like(readSimulateOptions(['--minutes', '0.5']), { seeds: Number.POSITIVE_INFINITY, minutes: 0.5 });
  t.like(readSimulateOptions(['--minutes', '1', '--seeds', '7']), { seeds: 7, minutes: 1 });
});

test('mutations are hunted on a number of seeds', (t) => {
  t.like(readSimulateOptions(['--mutations']), { mutations: true, seeds: 1500 });
  t.like(readSimulateOptions(['--mutations', '--seeds', '9']), { mutations: true, seeds: 9 });
});

test('one seed can be run alone, by profile, and printed', (t) => {
  const options = readSimulateOptions(['--seed', '12', '--profile', 'disks', '--trace']);
  t.like(options, { seed: 12, profile: 'disks', trace: 'decisions' });
});

for (const [args, what] of [
  [['--seeds', '0'], /--seeds must be a whole number from 1/],
  [['--seeds', '1.5'], /--seeds must be a whole number/],
  [['--seeds', ''], /--seeds must be a whole number/],
  [['--minutes', 'soon'], /--minutes must be a number from 0\.01/],
  [['--jobs', '0'], /--jobs must be a whole number from 1/],
  [['--profile', 'sunny'], /--profile must be one of calm, single,/],
  [['--trace'], /--trace needs --seed/],
  [['--failovers', '9', '--seed', '1'], /--seed and --failovers exclude each other/],
  [['--failovers', '9', '--seeds', '1'], /--seeds does not go with --failovers; allowed are --from, --json, --help$/],
  [['--failovers', '9', '--profile', 'calm'], /--profile does not go with --failovers/],
  [['--seed', '9', '--jobs', '2'], /--jobs does not go with --seed; allowed are --profile, --trace, --json, --help$/],
  [['--seed', '9', '--from', '2'], /--from does not go with --seed/],
  [['--seed', '9', '--minutes', '2'], /--minutes does not go with --seed/],
  [['--mutations', '--minutes', '2'], /--minutes does not go with --mutations; allowed are --seeds, --help$/],
  [['--mutations', '--failovers', '2'], /--failovers and --mutations exclude each other/],
  [['--seed', '9', '--seed', '9'], /--seed is given twice/],
  [['--seed', '9', '--trace=all'], /--trace takes no value but 'messages', not 'all'/],
  [['--json=yes'], /--json takes no value, not 'yes'/],
  [['--seeds', '-5'], /--seeds must be a whole number from 1 to \d+, not '-5'/],
  [['--seeds'], /--seeds needs a value/],
  [['--seeds', '--json'], /--seeds needs a value/],
  [['--sedes', '9'], /there is no option --sedes; did you mean --seeds\?/],
  [['-x'], /there is no option -x$/],
  [['--profile', 'hrash'], /not 'hrash'; did you mean harsh\?/],
  [['10'], /'10' is no option/],
] as const) {
  test(`'${args.join(' ')}' is refused with what is allowed`, (t) => {
    const refusal = readSimulateOptions(args);
    t.regex(typeof refusal === 'string' ? refusal : '', what);
    t.notRegex(String(refusal), /\n/);
  });
}

test('--help asks for nothing else', (t) => {
  t.is(readSimulateOptions(['--help']), null);
  t.is(readSimulateOptions(['-h']), null);
  t.is(readSimulateOptions(['--seed', '1', '--help']), null);
});

test('a trace is of decisions, or of messages too', (t) => {
  t.like(readSimulateOptions(['--seed', '1', '--trace']), { trace: 'decisions' });
  t.like(readSimulateOptions(['--seed', '1', '--trace=messages']), { trace: 'messages' });
});

test('the usage tells every option, profile and fault', (t) => {
  for (const name of ['--seeds N', '--trace', '--failovers N', ...profileNames, ...Object.keys(faultKinds)]) {
    t.true(usage.includes(`  ${name} `), name);
  }
});
