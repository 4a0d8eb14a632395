import test from 'ava';
import { readCommandLine } from '../../../src/config/command-line.ts';

const flagsOf = (...args: string[]) => Object.fromEntries(readCommandLine(args).flags);
const problemsOf = (...args: string[]) => readCommandLine(args).problems;

test('values follow their flag or an equals sign; switches may stand alone', (t) => {
  t.deepEqual(flagsOf('--http-port', '80', '--max-memory=1gb', '--insecure', '--password=a=b'), {
    '--http-port': '80',
    '--max-memory': '1gb',
    '--insecure': true,
    '--password': 'a=b',
  });
  t.deepEqual(flagsOf('--insecure=false'), { '--insecure': 'false' });
  t.deepEqual(flagsOf('--dashboard', 'maybe', '--insecure', '--shards', '2'), {
    '--dashboard': 'maybe',
    '--insecure': true,
    '--shards': '2',
  });
  t.deepEqual(flagsOf('--password='), { '--password': '' });
});

test('lists may be given several times, other options once', (t) => {
  t.deepEqual(flagsOf('--allowed-hosts', 'a,b', '--allowed-hosts=c'), { '--allowed-hosts': 'a,b,c' });
  t.deepEqual(problemsOf('--http-port', '1', '--http-port', '2'), ['--http-port is given twice.']);
  t.deepEqual(problemsOf('--config', 'a', '--config', 'b'), ['--config is given twice.']);
});

test('a flag without its value is one mistake, and the flag that follows is still read', (t) => {
  const { problems, flags } = readCommandLine(['--log-level', '--shards', '2']);
  t.deepEqual(problems, ['--log-level needs a value. Allowed: debug, info, warn, error, silent.']);
  t.is(flags.get('--shards'), '2');
  t.deepEqual(problemsOf('--config'), ['--config needs a value: the path of a file.']);
});

test('an unknown flag and its value are one mistake, with the nearest flag', (t) => {
  t.deepEqual(problemsOf('--htpp-port', '80'), ['--htpp-port: there is no such option. Did you mean --http-port?']);
  t.deepEqual(problemsOf('--confg=x'), ['--confg: there is no such option. Did you mean --config?']);
  t.deepEqual(problemsOf('-x'), ['-x: there is no such option.']);
  t.deepEqual(problemsOf('--xyzzy-plugh'), ['--xyzzy-plugh: there is no such option.']);
});

test('what is no option is refused', (t) => {
  t.deepEqual(problemsOf('cache.yaml'), ['"cache.yaml" is not an option; the server takes options only.']);
});

test('help wins over other actions; actions take no value', (t) => {
  t.is(readCommandLine(['--help', '--version']).action, 'help');
  t.is(readCommandLine(['--check-config', '-h']).action, 'help');
  t.is(readCommandLine(['--check-config', '--config', 'x']).action, 'check-config');
  t.is(readCommandLine([]).action, 'run');
  t.deepEqual(problemsOf('--version=3'), ['--version takes no value, but was given "3".']);
});
