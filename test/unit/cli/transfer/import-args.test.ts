import test from 'ava';
import { readImportArgs } from '../../../../src/cli/transfer/import-args.ts';

const read = (args: readonly string[], environment: Record<string, string> = {}, isTerminal = false) =>
  readImportArgs(args, environment, isTerminal);

test('options stand in front of the file or behind it; without one it is standard input, if that is no terminal', (t) => {
  const { problems, values, target, from } = read(['-p', '7000', 'all.ndjson', '--nx', '--match', 'a*']);
  t.deepEqual(problems, []);
  t.like(values, { onlyNew: true, match: 'a*', type: 'all', timeout: 30_000 });
  t.like(target, { host: '127.0.0.1', port: 7000 });
  t.is(from, 'all.ndjson');
  t.is(read([]).from, '-');
  t.is(read(['-', '--lenient'], {}, true).from, '-');
  t.deepEqual(read([], {}, true).problems, ['import needs a FILE, - for standard input, or --from URL.']);
});

test('--from is a server of its own, at the port that its scheme has, and its password may come from the environment', (t) => {
  const environment = { FLUXCACHE_FROM_PASSWORD: 'theirs', REDISCLI_AUTH: 'ours' };
  const redis = read(['--from', 'redis://old/3'], environment);
  t.like(redis.from, { host: 'old', port: 6379, database: 3, tls: null, user: undefined, password: 'theirs' });
  t.like(redis.target, { port: 7379, password: 'ours', database: 0 });
  t.like(read(['--from', 'fluxcache://u:p@old'], environment).from, { port: 7379, user: 'u', password: 'p' });
  const tls = read(['--from', 'rediss://old:1', '--from-insecure']);
  t.deepEqual(tls.problems, []);
  t.like(tls.from, { port: 1, tls: { insecure: true } });
});

test('what cannot be meant is refused, and why', (t) => {
  for (const [args, problem] of [
    [['a', 'b'], 'import takes one file, but was given 2.'],
    [['a', '--from', 'redis://x'], '--from takes no FILE.'],
    [['a', '--as-json'], '--as-json goes with --from.'],
    [['--from', 'redis://x', '--skip', '3'], '--skip is of files, and --from is none.'],
    [['--from', 'redis://x', '--from-cacert', 'y'], '--from-cacert is of TLS only: --from needs rediss://.'],
    [['--from', 'redis://x', '--from-insecure'], '--from-insecure is of TLS only: --from needs rediss://.'],
    [
      ['--from', 'rediss://x', '--from-cert', 'none'],
      '--from-cert and --from-key belong together: one of them is missing.',
    ],
    [['a', '--type', 'hash'], '--type hash goes with --from: files have none of it.'],
    [['--format', 'xml'], '--format: "xml" is not allowed. Allowed: ndjson, msgpack.'],
    [['--nix'], '--nix: there is no such option. Did you mean --nx?'],
  ] as const) {
    t.is(read(args).problems[0], problem, args.join(' '));
  }
  t.regex(read(['--from', 'http://x']).problems[0] ?? '', /^--from: the scheme "http" is not known\./);
  t.regex(read(['--from', 'redis://u:secret@']).problems.join(), /^(?!.*secret)--from: /);
});
