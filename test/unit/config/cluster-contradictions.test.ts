import test from 'ava';
import { resolveConfig } from '../../../src/config/resolve.ts';

function problemsOf(flags: Record<string, unknown>): readonly string[] {
  const resolution = resolveConfig({
    flags: new Map(Object.entries(flags)),
    environment: new Map(),
    file: undefined,
    machine: { cores: 4, hostName: 'here' },
  });
  return resolution.kind === 'problems' ? resolution.problems : [];
}

const founder = { '--bootstrap-expect': '3' };

test('a node of a cluster is fine as it is on one machine', (t) => {
  t.deepEqual(problemsOf(founder), []);
  t.deepEqual(problemsOf({ '--seeds': 'a,b:1,srv:_bus._tcp.c.example,[::1]:65535' }), []);
});

const contradictory: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [{ '--bind': '0.0.0.0', '--password': 'x' }, /^--bind: other machines can reach the cluster bus .* --cluster-secret/],
  [
    { '--bus-bind': '10.0.0.1', '--cluster-secret': 'x' },
    /^--bind \(default\): .* cannot forward commands to 127\.0\.0\.1/,
  ],
  [{ '--bus-port': '7379' }, /^--bus-port contradicts --tcp-port \(default\): both are 7379/],
  [{ '--bus-port': '8081' }, /^--bus-port contradicts --http-port \(default\): both are 8081/],
  [{ '--seeds': 'a:70000' }, /^--seeds: a:70000 names no port from 1 to 65535/],
  [{ '--announce-bus': 'a:0' }, /^--announce-bus: a:0 names no port/],
  [{ '--announce-host': '0.0.0.0' }, /^--announce-host: 0\.0\.0\.0 is no address/],
  [{ '--announce-link': '[::]:7379' }, /^--announce-link: \[::\]:7379 is no address/],
  [
    { '--min-in-sync': '3' },
    /^--min-in-sync: a write would wait for 3 copies, and there are to be 2 \(--copies \(default\)\)/,
  ],
  [
    { '--partitions': '2', '--shards': '4' },
    /^--partitions: 2 partitions leave some of 4 shards \(--shards\) without any/,
  ],
];

test('what cannot work together about a node of a cluster is refused, and let pass outside of one', (t) => {
  for (const [flags, problem] of contradictory) {
    const problems = problemsOf({ ...founder, ...flags });
    t.is(problems.length, 1, problems.join('; '));
    t.regex(problems[0] ?? '', problem);
    if (!('--seeds' in flags)) t.deepEqual(problemsOf(flags), []);
  }
});

test('a bus that others reach needs a secret, or to be told that it needs none', (t) => {
  const open = { ...founder, '--bind': '0.0.0.0' };
  t.deepEqual(problemsOf({ ...open, '--insecure': true }), []);
  t.deepEqual(problemsOf({ ...open, '--password': 'x', '--cluster-secret': 'y' }), []);
});
