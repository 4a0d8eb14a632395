import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { addToHistory, historyPath, holdsSecret, readHistory } from '../../../src/cli/history-file.ts';

function folder(t: { teardown(end: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'fluxcache-history-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

test('commands that hold a password are known, others are not taken for them', (t) => {
  const secret = [
    'AUTH p',
    'auth u p',
    'HELLO 3 AUTH u p',
    'CONFIG SET requirepass p',
    'config set a 1 masterauth p',
    'ACL SETUSER u >p',
  ];
  for (const line of secret) t.true(holdsSecret(line.split(' ')), line);
  for (const line of ['set auth p', 'hello 3', 'config get requirepass', 'config set maxmemory 1', 'acl list', '']) {
    t.false(holdsSecret(line.split(' ')), line);
  }
});

test('the file is in the XDG state directory where there is one, else in the home directory', (t) => {
  const home = folder(t);
  t.is(historyPath({ XDG_STATE_HOME: '/state' }, home), '/state/fluxcache/history');
  t.is(historyPath({}, home), join(home, '.fluxcache_history'));
  mkdirSync(join(home, '.local', 'state'), { recursive: true });
  t.is(historyPath({}, home), join(home, '.local', 'state', 'fluxcache', 'history'));
});

test('lines are added at the end, read the latest first, and only the latest are kept', (t) => {
  const path = join(folder(t), 'deep', 'history');
  t.deepEqual(readHistory(path), []);
  addToHistory(path, 'one');
  addToHistory(path, 'two');
  t.deepEqual(readHistory(path), ['two', 'one']);
  t.is(statSync(path).mode & 0o777, 0o600);
  writeFileSync(path, Array.from({ length: 2500 }, (_, at) => `line ${at}\n`).join(''));
  t.is(readHistory(path).length, 1000);
  t.is(readFileSync(path, 'utf8').split('\n')[0], 'line 1500');
});

test('a place that cannot be written to does not stop anything', (t) => {
  const path = join(folder(t), 'file');
  writeFileSync(path, '');
  t.notThrows(() => addToHistory(join(path, 'history'), 'x'));
  t.deepEqual(readHistory(join(path, 'history')), []);
});
