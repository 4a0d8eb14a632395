import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { benchOptions } from '../../../src/cli/bench-options.ts';
import { readOptions } from '../../../src/cli/command-line.ts';
import { options } from '../../../src/cli/options.ts';
import { targetOf } from '../../../src/cli/target.ts';

const read = (...args: string[]) => readOptions(options, args);

function target(args: readonly string[], environment: Record<string, string> = {}) {
  const { values, given, problems } = read(...args);
  const found = [...problems];
  return { ...targetOf(values, given as ReadonlySet<string>, environment, found), problems: found };
}

test('options stand in front of the command, whose words are left alone', (t) => {
  const { values, rest, problems } = read('-p', '7000', '--pattern=a*', '-r', '-1', 'set', '-p', '--raw', '-h');
  t.deepEqual(problems, []);
  t.like(values, { port: 7000, pattern: 'a*', repeat: -1, raw: false });
  t.deepEqual(rest, ['set', '-p', '--raw', '-h']);
  t.deepEqual(read('--', '--odd').rest, ['--odd']);
});

test('mistakes name the option, what was given, and what is allowed', (t) => {
  t.deepEqual(read('-h').problems, ['-h needs a value. Allowed: a host name or an IP address (the help is --help).']);
  t.deepEqual(read('-p', 'x').problems, ['-p: "x" is not allowed. Allowed: an integer from 1 to 65535.']);
  t.deepEqual(read('--patern', 'x').problems, ['--patern: there is no such option. Did you mean --pattern?']);
  t.deepEqual(read('--stat', '--patern', 'x').rest, []);
  t.deepEqual(read('--raw=1').problems, ['--raw takes no value, but was given "1".']);
  t.deepEqual(read('--raw', '--raw').problems, ['--raw is given twice.']);
  t.regex(read('--pattern', '--scan').problems[0] ?? '', /^--pattern needs a value/);
  t.regex(readOptions(benchOptions, ['--distribution', 'zipf:9']).problems[0] ?? '', /THETA from 0 to 5\.$/);
});

test('times are seconds as in redis-cli, or have a unit', (t) => {
  t.is(read('-i', '0.25').values.interval, 250);
  t.is(read('-i', '20ms').values.interval, 20);
  t.regex(read('-i', 'soon').problems[0] ?? '', /^-i: "soon" is not allowed/);
});

test('without anything the server is that of this machine at its default port', (t) => {
  t.like(target([]), { host: '127.0.0.1', port: 7379, tls: null, user: undefined, password: undefined, database: 0 });
});

test('a URL gives what options do not say, and the environment what neither does', (t) => {
  const url = 'redis://ann:p%40ss@example.org:7000/2';
  t.like(target(['-u', url]), { host: 'example.org', port: 7000, user: 'ann', password: 'p@ss', database: 2 });
  t.like(target(['-u', url, '-p', '1', '-a', 'x', '-n', '0']), {
    host: 'example.org',
    port: 1,
    password: 'x',
    database: 0,
  });
  t.like(target([], { FLUXCACHE_URL: url }), { host: 'example.org', user: 'ann' });
  t.like(target(['-u', 'fluxcache://[::1]'], { FLUXCACHE_URL: url }), { host: '::1', port: 7379, password: undefined });
  t.like(target(['-u', 'redis://only@h']), { user: undefined, password: 'only' });
  t.not(target(['-u', 'fluxcaches://h']).tls, null);
  t.is(target([], { REDISCLI_AUTH: 'r', FLUXCACHE_PASSWORD: 'f' }).password, 'r');
  t.is(target([], { FLUXCACHE_PASSWORD: 'f' }).password, 'f');
});

test('a URL that is none is refused without being repeated, as it may hold a password', (t) => {
  for (const url of ['http://:hush@h', 'nonsense', 'redis://:hush@', 'redis://:hush@h/x', 'redis://:%hush@h']) {
    const { problems } = target(['-u', url]);
    t.is(problems.length, 1, url);
    t.regex(problems[0] ?? '', /^--url: .*Allowed: fluxcache:/);
    t.false(problems.join().includes('hush'));
  }
  t.regex(target([], { FLUXCACHE_URL: 'x' }).problems[0] ?? '', /^FLUXCACHE_URL: /);
});

test('options that need or contradict each other are named', (t) => {
  t.regex(target(['--user', 'ann']).problems[0] ?? '', /^--user needs a password/);
  t.regex(target(['--askpass', '-a', 'x']).problems[0] ?? '', /contradict/);
  t.regex(target(['--cacert', 'x']).problems[0] ?? '', /^--cacert is of TLS only/);
  t.regex(target(['--tls', '--cacert', '/no/such']).problems[0] ?? '', /^--cacert: \/no\/such cannot be read/);
  const folder = mkdtempSync(join(tmpdir(), 'fluxcache-target-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'cert'), 'x');
  t.regex(target(['--tls', '--cert', join(folder, 'cert')]).problems[0] ?? '', /--cert and --key belong together/);
});
