import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { Args } from '../../../src/command/args.ts';
import { type Command, firstKey, noKeys } from '../../../src/command/command.ts';
import { globMatches } from '../../../src/command/glob.ts';
import { commandTable } from '../../../src/command/table.ts';
import { covers } from '../../../src/server/access/covers.ts';
import { AccessUser, everybody } from '../../../src/server/access/rights.ts';
import { hashPassword } from '../../../src/server/access/secrets.ts';
import { readAccounts, readUsersFile } from '../../../src/server/access/users-file.ts';

function command(name: string, parts: Partial<Command>): Command {
  const row = {
    id: 0,
    name,
    arity: 2,
    flags: [],
    keys: firstKey,
    group: 'string',
    since: '1',
    summary: '',
    complexity: '',
    syntax: '',
  };
  return { ...row, kind: 'read', gather: 'single', run: () => undefined, ...parts } as Command;
}

const get = command('get', { flags: ['readonly', 'fast'] });
const set = command('set', { kind: 'write', flags: ['write', 'denyoom'] });
const mset = command('mset', { kind: 'write', flags: ['write'], keys: { first: 0, last: -2, step: 2 } });
const scan = command('scan', { kind: 'survey', flags: ['readonly'], keys: noKeys });
const keys = command('keys', {
  kind: 'survey',
  flags: ['readonly'],
  keys: noKeys,
  patternOf: (args: Args) => args.view(0),
});
const flushall = command('flushall', { kind: 'sweep', flags: ['write'], keys: noKeys });
const config = command('config|set', { kind: 'node', flags: ['admin'], keys: noKeys });
const ping = command('ping', { kind: 'node', flags: ['fast'], keys: noKeys });

function may(user: AccessUser, row: Command, ...words: string[]): boolean {
  const args = new Args();
  const bytes = Buffer.from(words.join(''));
  args.clear(bytes);
  let at = 0;
  for (const word of words) {
    args.push(at, at + Buffer.byteLength(word));
    at += Buffer.byteLength(word);
  }
  return user.denialOf(row, args) === null;
}

test('a user may run what his rights cover', (t) => {
  const reader = new AccessUser('reader', ['read'], ['*']);
  const writer = new AccessUser('writer', ['write'], ['*']);
  const admin = new AccessUser('admin', ['admin'], ['*']);
  const rows = [get, set, scan, flushall, config, ping];
  const allowed = (user: AccessUser) => rows.filter((row) => may(user, row, 'k')).map((row) => row.name);
  t.deepEqual(allowed(reader), ['get', 'scan', 'ping']);
  t.deepEqual(allowed(writer), ['set', 'flushall', 'ping']);
  t.deepEqual(allowed(admin), ['config|set', 'ping']);
  t.deepEqual(
    allowed(everybody),
    rows.map((row) => row.name),
  );
});

test('a user with key patterns may name only such keys, every one of them', (t) => {
  const user = new AccessUser('app', ['read', 'write'], ['app:*', 'shared']);
  t.true(may(user, get, 'app:1'));
  t.true(may(user, set, 'shared', 'other'));
  t.false(may(user, get, 'other'));
  t.true(may(user, mset, 'app:1', 'x', 'app:2', 'y'));
  t.false(may(user, mset, 'app:1', 'x', 'other', 'y'));
});

test('a user with key patterns may not run what sees or changes all keys', (t) => {
  const user = new AccessUser('app', ['read', 'write', 'admin'], ['app:*']);
  t.false(may(user, scan, '0'));
  t.false(may(user, flushall));
  t.true(may(user, ping));
  t.false(user.isUnrestricted);
});

async function usersFile(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'fluxcache-users-')), 'users.yaml');
  await writeFile(path, text);
  return path;
}

const TOKEN = `sha256:${'0a'.repeat(32)}`;

test('a users file gives users with their rights, patterns and secrets', async (t) => {
  const path = await usersFile(`
users:
  app:
    password: ${await hashPassword('x', 16)}
    rights: [read, write]
    keys: ['app:*']
  monitor:
    tokens: ['${TOKEN.toUpperCase().replace('SHA256', 'sha256')}']
    rights: [read]
`);
  const read = readUsersFile(path);
  if (read.kind === 'problems') return t.fail(read.problems.join('\n'));
  const [app, monitor] = read.accounts;
  t.is(read.accounts.length, 2);
  t.true(app !== undefined && app.password !== null && may(app.user, set, 'app:1') && !may(app.user, set, 'b'));
  t.deepEqual(monitor?.tokenDigests, ['0a'.repeat(32)]);
  t.true(monitor !== undefined && may(monitor.user, get, 'b') && !may(monitor.user, set, 'b'));
});

test('what is wrong in a users file is told by file, user and field, and no secret is repeated', async (t) => {
  const cases: [string, RegExp][] = [
    ['a: 1', /"a" is not allowed here\. Allowed: users\.$/],
    ['users: []', /needs users/],
    ['users: {}', /needs users/],
    ['users: {"a b": {}}', /"a b" is no name for a user/],
    ['users: {app: 1}', /user app: must have fields/],
    ['users: {app: {rights: [read]}}', /user app: needs a password or tokens\.$/],
    [`users: {app: {tokens: ['${TOKEN}']}}`, /user app, rights: must be a list of read, write, admin\.$/],
    [
      `users: {app: {tokens: ['${TOKEN}'], rights: [reed]}}`,
      /user app, rights\[0\]: must be one of read, write, admin\.$/,
    ],
    [
      `users: {app: {tokens: ['${TOKEN}'], rights: [read], kyes: ['x']}}`,
      /user app: there is no field "kyes"\. Did you mean keys\?$/,
    ],
    [
      `users: {app: {tokens: ['${TOKEN}'], rights: [read], keys: 'x'}}`,
      /user app, keys: must be a list of key patterns\.$/,
    ],
    [
      'users: {app: {password: hunter2, rights: [read]}}',
      /user app, password: must be a hash, as --hash-password prints it\.$/,
    ],
    [
      'users: {app: {tokens: [hunter2], rights: [read]}}',
      /user app, tokens\[0\]: must be sha256: and 64 hexadecimal digits\.$/,
    ],
    ['users: {app: {}, app: {}}', /Map keys must be unique/],
  ];
  for (const [text, problem] of cases) {
    const read = readUsersFile(await usersFile(text));
    const problems = read.kind === 'problems' ? read.problems : [];
    t.true(
      problems.some((line) => problem.test(line)),
      `${text}: ${problems.join(' / ')}`,
    );
    t.false(problems.join('\n').includes('hunter2'));
  }
});

test('the password option and a users file add up, unless both name the user default', async (t) => {
  const path = await usersFile(`users: {app: {tokens: ['${TOKEN}'], rights: [read]}}`);
  const both = readAccounts({ password: 'x', usersFile: path });
  t.deepEqual(both.kind === 'accounts' && both.accounts.map(({ user }) => user.name), ['default', 'app']);
  t.deepEqual(readAccounts({ password: '', usersFile: '' }), { kind: 'accounts', accounts: [] });
  const twice = await usersFile(`users: {default: {tokens: ['${TOKEN}'], rights: [read]}}`);
  t.is(readAccounts({ password: 'x', usersFile: twice }).kind, 'problems');
  t.is(readAccounts({ password: '', usersFile: '/nowhere' }).kind, 'problems');
});

test('a user of some keys lists those of his patterns, and no others', (t) => {
  const user = new AccessUser('shop', ['read'], ['shop:*', 'session:?', 'a[b]*']);
  const allowed = ['shop:*', 'shop:cart:*', 'shop:[ab]', 'shop:', 'session:?', 'a[b]*'];
  for (const pattern of allowed) t.true(may(user, keys, pattern), pattern);
  for (const pattern of ['*', 'shop*', '[s]hop:*', 'session:*', 'session:1', 'a[b]c', 's?op:*', '']) {
    t.false(may(user, keys, pattern), pattern);
  }
  t.false(may(new AccessUser('none', ['read'], []), keys, '*'));
  t.false(may(user, scan, '0'), 'a survey that takes no pattern is of all keys');
  const scanned = commandTable.named('scan');
  t.true(may(user, scanned, '0', 'match', 'shop:*', 'COUNT', '5'));
  t.false(may(user, scanned, '0', 'COUNT', '5'));
  t.false(may(user, scanned, '0', 'MATCH', 'shop:*', 'MATCH', '*'), 'the last pattern counts');
});

test('whatever matches a pattern that is covered matches the one that covers it', (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '[', ']', '^', '-', '\\'), maxLength: 6 });
  const key = fc.string({ unit: fc.constantFrom('a', 'b', '*', '['), maxLength: 6 });
  let covered = 0;
  fc.assert(
    fc.property(text, text, fc.array(key, { minLength: 10, maxLength: 10 }), (beginning, rest, names) => {
      const pattern = Buffer.from(`${beginning}*`);
      const asked = Buffer.from(beginning + rest);
      if (!covers(pattern, asked)) return;
      covered++;
      for (const name of names.map((each) => Buffer.from(each))) {
        if (globMatches(asked, name, 0, name.length)) t.true(globMatches(pattern, name, 0, name.length));
      }
    }),
    { numRuns: 2000 },
  );
  t.true(covered > 100);
});
