import test from 'ava';
import { parse } from 'yaml';
import { options } from '../../../src/config/options.ts';
import { type ConfigInputs, printConfig, resolveConfig } from '../../../src/config/resolve.ts';

const MACHINE = { cores: 4, hostName: 'box' };

interface Given {
  flags?: Record<string, unknown>;
  environment?: Record<string, string>;
  file?: Record<string, unknown>;
}

function inputs({ flags = {}, environment = {}, file }: Given): ConfigInputs {
  return {
    flags: new Map(Object.entries(flags)),
    environment: new Map(Object.entries(environment)),
    file: file === undefined ? undefined : { path: 'cache.yaml', values: new Map(Object.entries(file)) },
    machine: MACHINE,
  };
}

function configOf(given: Given) {
  const resolution = resolveConfig(inputs(given));
  if (resolution.kind === 'problems') throw new Error(resolution.problems.join('\n'));
  return resolution.resolved;
}

function problemsOf(given: Given): readonly string[] {
  const resolution = resolveConfig(inputs(given));
  return resolution.kind === 'problems' ? resolution.problems : [];
}

test('without anything given the defaults hold, those of the machine included', (t) => {
  const { config, sources } = configOf({});
  t.is(config.httpPort, 8081);
  t.is(config.bind, '127.0.0.1');
  t.is(config.shards, 3);
  t.is(config.nodeName, 'box');
  t.is(config.maxValue, 8 * 2 ** 20);
  t.deepEqual(new Set(Object.values(sources)), new Set(['default']));
});

test('a flag wins over a variable, a variable over the file, the file over the default', (t) => {
  const file = { httpPort: 1, logLevel: 'debug', shards: 2 };
  const environment = { FLUXCACHE_HTTP_PORT: '2', FLUXCACHE_LOG_LEVEL: 'warn' };
  const { config, sources } = configOf({ file, environment, flags: { '--http-port': '3' } });
  t.deepEqual([config.httpPort, config.logLevel, config.shards], [3, 'warn', 2]);
  t.deepEqual(
    [sources.httpPort, sources.logLevel, sources.shards, sources.bind],
    ['flag', 'environment', 'file', 'default'],
  );
});

test('an empty variable counts as not set', (t) => {
  t.is(configOf({ environment: { FLUXCACHE_HTTP_PORT: '' } }).config.httpPort, 8081);
});

test('sizes, times, switches and lists are read from text and from what YAML makes of them', (t) => {
  const { config } = configOf({
    flags: { '--max-memory': '64mb', '--watchdog': '1.5s', '--allowed-hosts': 'a.example, *.b.example' },
    environment: { FLUXCACHE_INSECURE: 'TRUE', FLUXCACHE_DRAIN_TIMEOUT: '0' },
    file: { maxKey: 100, allowedOrigins: ['https://app.example.com'], probeCredentials: false },
  });
  t.is(config.maxMemory, 64 * 2 ** 20);
  t.is(config.watchdog, 1500);
  t.deepEqual(config.allowedHosts, ['a.example', '*.b.example']);
  t.true(config.insecure);
  t.is(config.drainTimeout, 0);
  t.is(config.maxKey, 100);
  t.deepEqual(config.allowedOrigins, ['https://app.example.com']);
});

test('a bad value is refused with the name its source uses, the value and what is allowed', (t) => {
  const bad: [Given, string][] = [
    [
      { flags: { '--http-port': '65536' } },
      '--http-port: "65536" is not allowed. Allowed: an integer from 0 to 65535.',
    ],
    [{ flags: { '--http-port': '80.5' } }, '--http-port: "80.5" is not allowed. Allowed: an integer from 0 to 65535.'],
    [
      { environment: { FLUXCACHE_EVICTION: 'lru' } },
      'FLUXCACHE_EVICTION: "lru" is not allowed. Allowed: flux, noeviction, volatile-ttl.',
    ],
    [
      { file: { watchdog: 500 } },
      'watchdog in cache.yaml: 500 is not allowed. Allowed: a number with ms, s, m, h or d (500ms, 10s), from 100ms to 1h.',
    ],
    [
      { file: { ringSize: '100kb' } },
      'ringSize in cache.yaml: "100kb" is not allowed. Allowed: a power of two as a number of bytes, or a number with b, kb, mb, gb or tb (64mb), from 64kb to 64mb.',
    ],
    [{ file: { insecure: null } }, 'insecure in cache.yaml: null is not allowed. Allowed: true or false.'],
    [{ file: { httpPort: [1] } }, 'httpPort in cache.yaml: [1] is not allowed. Allowed: an integer from 0 to 65535.'],
  ];
  for (const [given, problem] of bad) t.deepEqual(problemsOf(given), [problem]);
});

test('a prefix for metrics without its separator is refused, as it would count other prefixes, too', (t) => {
  t.deepEqual(problemsOf({ flags: { '--metrics-prefixes': 'user:,page' } }), [
    '--metrics-prefixes: "page" would count all keys that begin so, "pages…" as well. Write "page:", with its separator.',
  ]);
  t.deepEqual(problemsOf({ flags: { '--metrics-prefixes': 'user:,page_,user:vip:' } }), []);
});

test('a value that YAML takes for a number is asked for in quotes where text is wanted, so that no zero is lost', (t) => {
  const [problem] = problemsOf({ file: { nodeName: 12 } });
  t.regex(problem ?? '', /^nodeName in cache\.yaml: 12 is not allowed\. Allowed: .*, in quotes\.$/);
});

test('the text of a secret is in no message', (t) => {
  const [problem] = problemsOf({ flags: { '--password': 'hush\n' } });
  t.regex(problem ?? '', /^--password: this value is not allowed/);
  t.false(printConfig(configOf({ flags: { '--password': 'hush' } })).includes('hush'));
});

test('unknown names are refused in every source, with the nearest known one', (t) => {
  t.deepEqual(problemsOf({ flags: { '--htpp-port': '1' } }), [
    '--htpp-port: there is no such option. Did you mean --http-port?',
  ]);
  t.deepEqual(problemsOf({ environment: { FLUXCACHE_HTTPPORT: '1', HTTP_PORT: '1' } }), [
    'FLUXCACHE_HTTPPORT: there is no such option. Did you mean FLUXCACHE_HTTP_PORT?',
  ]);
  t.deepEqual(problemsOf({ file: { 'http-port': 1, zebra: 1 } }), [
    'http-port in cache.yaml: there is no such option. Did you mean httpPort?',
    'zebra in cache.yaml: there is no such option.',
  ]);
  t.deepEqual(problemsOf({ file: { constructor: 1 } }), ['constructor in cache.yaml: there is no such option.']);
});

test('variables of the client and those that Kubernetes sets for a service of this name are let pass', (t) => {
  const environment = {
    FLUXCACHE_URL: 'http://localhost:8081',
    FLUXCACHE_CONFIG: 'cache.yaml',
    FLUXCACHE_SERVICE_HOST: '10.0.0.1',
    FLUXCACHE_SERVICE_PORT_HTTP: '8081',
    FLUXCACHE_PORT: 'tcp://10.0.0.1:8081',
    FLUXCACHE_PORT_8081_TCP_ADDR: '10.0.0.1',
  };
  t.deepEqual(problemsOf({ environment }), []);
});

test('an address that other machines reach is refused without credentials, unless told so', (t) => {
  for (const bind of ['0.0.0.0', '::', '192.168.1.4', 'cache.example.com', '127.0.0.1.example.com']) {
    t.regex(
      problemsOf({ flags: { '--bind': bind } })[0] ?? '',
      /^--bind: other machines can reach .* --insecure/,
      bind,
    );
    t.deepEqual(problemsOf({ flags: { '--bind': bind, '--insecure': true } }), []);
    t.deepEqual(problemsOf({ flags: { '--bind': bind }, environment: { FLUXCACHE_PASSWORD: 'x' } }), []);
  }
  for (const bind of ['127.0.0.1', '127.9.9.9', '::1', 'localhost'])
    t.deepEqual(problemsOf({ flags: { '--bind': bind } }), []);
});

test('options that contradict each other are refused by the names they were given under', (t) => {
  const environment = { FLUXCACHE_INSECURE: 'true' };
  const contradictory: [Given, RegExp][] = [
    [{ environment, flags: { '--password': 'x' } }, /^FLUXCACHE_INSECURE contradicts --password/],
    [{ flags: { '--http-port': '7379' } }, /^--http-port contradicts --tcp-port \(default\): both are 7379/],
    [{ file: { probeCredentials: true } }, /^probeCredentials in cache\.yaml: there are no credentials/],
    [{ environment: { FLUXCACHE_FSYNC: 'always' } }, /^FLUXCACHE_FSYNC: nothing is kept on the disk/],
    [{ file: { maxValue: '32mb' } }, /^maxValue in cache\.yaml: 32mb would not fit .* 16mb \(--max-body \(default\)\)/],
    [
      { flags: { '--max-memory': '32gb' } },
      /^--max-memory: a shard holds at most 4095mb, so 32gb needs 9 shards; there are 3/,
    ],
    [
      { flags: { '--max-memory': '16mb', '--shards': '8' } },
      /^--max-memory: .* enough for 4 shards; there are 8 \(--shards\)/,
    ],
  ];
  for (const [given, problem] of contradictory) {
    const problems = problemsOf(given);
    t.is(problems.length, 1);
    t.regex(problems[0] ?? '', problem);
  }
});

test('all problems are told at once', (t) => {
  t.is(
    problemsOf({ flags: { '--http-port': 'x' }, environment: { FLUXCACHE_SHARDS: '0' }, file: { what: 1 } }).length,
    3,
  );
});

test('the printed configuration is a file that gives the same configuration', (t) => {
  const flags = { '--max-memory': '100mb', '--allowed-hosts': '*,a.b', '--node-name': 'true', '--watchdog': '1500ms' };
  const { config } = configOf({ flags });
  t.deepEqual(configOf({ file: parse(printConfig({ config, sources: configOf({ flags }).sources })) }).config, config);
});

test('every default is one of the allowed values', (t) => {
  for (const [name, option] of Object.entries(options)) {
    const value: unknown = typeof option.default === 'function' ? option.default(MACHINE) : option.default;
    const read = (option.schema as { safeParse(raw: unknown): { data?: unknown } }).safeParse(
      typeof value === 'number' ? parse((option.print as (of: number) => string)(value)) : value,
    );
    t.deepEqual(read.data, value, name);
  }
});

test('what does nothing without --persistence is refused when it is given otherwise than it is anyway', (t) => {
  const idle = {
    '--fsync': ['no', 'everysec'],
    '--on-disk-error': ['continue', 'fail'],
    '--snapshot-interval': ['5m', '1h'],
    '--snapshot-log-size': ['1mb', '64mb'],
    '--log-segment-size': ['1mb', '64mb'],
    '--max-log-queue': ['1mb', '64mb'],
  } as const;
  for (const [flag, [other, same]] of Object.entries(idle)) {
    const [problem = '', ...more] = problemsOf({ flags: { [flag]: other } });
    t.true(problem.startsWith(`${flag}: nothing is kept on the disk`) && problem.includes('--persistence'), flag);
    t.deepEqual(more, []);
    t.deepEqual(problemsOf({ flags: { [flag]: same } }), []);
    t.deepEqual(problemsOf({ flags: { [flag]: other, '--persistence': true } }), []);
  }
});
