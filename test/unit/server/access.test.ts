import test from 'ava';
import { Access, type Account } from '../../../src/server/access/access.ts';
import { AccessUser, rights } from '../../../src/server/access/rights.ts';
import { digestOf, hashPassword, parsePasswordHash } from '../../../src/server/access/secrets.ts';

const HASH = parsePasswordHash(await hashPassword('correct horse', 16));

function account(name: string, secrets: Partial<Account> = {}): Account {
  return { user: new AccessUser(name, rights, ['*']), password: null, tokenDigests: [], ...secrets };
}

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

function setUp(...accounts: Account[]) {
  let nowMs = 1_000_000;
  const access = new Access(accounts, { nowMs: () => nowMs });
  const ask = async (authorization: string, address = '10.0.0.1') => {
    const answer = await access.authenticate(authorization, address);
    return answer instanceof AccessUser ? answer.name : answer.code;
  };
  return {
    access,
    ask,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const app = account('app', { password: HASH ?? null });
const robot = account('robot', { tokenDigests: [digestOf('t0ken')] });

test('without accounts everybody is let in, whatever the header', async (t) => {
  const { access, ask } = setUp();
  t.true(access.isOpen);
  t.is(await ask(''), 'default');
  t.is(await ask('Bearer nonsense'), 'default');
});

test('with accounts a request without credentials is refused', async (t) => {
  const { access, ask } = setUp(app);
  t.false(access.isOpen);
  t.is(await ask(''), 'unauthenticated');
});

test('a token and a password each let in the user they belong to', async (t) => {
  const { ask } = setUp(app, robot);
  t.is(await ask('Bearer t0ken'), 'robot');
  t.is(await ask('bearer  t0ken'), 'robot');
  t.is(await ask(basic('app', 'correct horse')), 'app');
  t.is(await ask(basic('robot', 't0ken')), 'robot');
});

test('wrong, mixed up and malformed credentials are refused', async (t) => {
  const { ask } = setUp(app, robot);
  t.is(await ask('Bearer t0kem', '1'), 'wrong-password');
  t.is(await ask(basic('app', 'wrong horse'), '2'), 'wrong-password');
  t.is(await ask(basic('app', 't0ken'), '3'), 'wrong-password');
  t.is(await ask(basic('nobody', 'correct horse'), '4'), 'wrong-password');
  t.is(await ask(basic('__proto__', ''), '5'), 'wrong-password');
  for (const header of [
    'Bearer',
    'Bearer ',
    'Digest abc',
    'Basic !!!',
    `Basic ${Buffer.from('nocolon').toString('base64')}`,
    'x'.repeat(9999),
  ]) {
    t.is(await ask(header, '6'), 'unauthenticated', header);
  }
});

test('a password may hold colons and letters beyond ASCII', async (t) => {
  const { ask } = setUp(account('app', { password: parsePasswordHash(await hashPassword('pä:ß:☃', 16)) ?? null }));
  t.is(await ask(basic('app', 'pä:ß:☃')), 'app');
  t.is(await ask(basic('app', 'pä')), 'wrong-password');
});

test('a password found right once is answered at once from then on', async (t) => {
  const { access } = setUp(app);
  const header = basic('app', 'correct horse');
  const first = access.authenticate(header, '10.0.0.1');
  t.true(first instanceof Promise);
  await first;
  t.is(access.authenticate(header, '10.0.0.2'), app.user);
});

test('a hundred requests with one new password cause one check and the same answer', async (t) => {
  const { access } = setUp(app);
  const header = basic('app', 'correct horse');
  const answers = Array.from({ length: 100 }, () => access.authenticate(header, '10.0.0.1'));
  t.is(new Set(answers).size, 1);
  t.is(await answers[99], app.user);
});

test('more passwords at once than may be checked are held back, not queued', async (t) => {
  const { access } = setUp(app);
  const answers = Array.from({ length: 12 }, (_, i) => access.authenticate(basic('app', `guess ${i}`), `10.0.0.${i}`));
  t.is(answers.filter((answer) => answer instanceof Promise).length, 8);
  t.is(answers.filter((answer) => 'code' in answer && answer.code === 'too-many-requests').length, 4);
  await Promise.all(answers);
});

test('after five failures an address is held back for longer and longer, others are not', async (t) => {
  const { access, ask, pass } = setUp(robot);
  for (let i = 0; i < 5; i++) t.is(await ask('Bearer wrong'), 'wrong-password');
  for (const waitMs of [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    const held = await access.authenticate('Bearer t0ken', '10.0.0.1');
    t.is('code' in held ? held.code : held.name, 'too-many-requests');
    t.is('retryAfterMs' in held && held.retryAfterMs, waitMs);
    pass(waitMs);
    t.is(await ask('Bearer wrong'), 'wrong-password');
  }
  t.is(await ask('Bearer t0ken', '10.0.0.2'), 'robot');
});

test('credentials already found right are let in from an address that is held back', async (t) => {
  const { ask } = setUp(robot);
  t.is(await ask('Bearer t0ken'), 'robot');
  for (let i = 0; i < 5; i++) await ask(`Bearer wrong${i}`);
  t.is(await ask('Bearer wrong'), 'too-many-requests');
  t.is(await ask('Bearer t0ken'), 'robot');
});

test('guessing what somebody else uses is not let in from an address that is held back', async (t) => {
  const { ask, pass } = setUp(robot);
  t.is(await ask('Bearer t0ken', '10.0.0.1'), 'robot');
  t.is(await ask('Bearer t0ken', '10.0.0.3'), 'robot');
  for (let i = 0; i < 5; i++) {
    await ask(`Bearer wrong${i}`, '10.0.0.2');
    await ask(`Bearer wrong${i}`, '10.0.0.3');
  }
  t.is(await ask('Bearer t0ken', '10.0.0.2'), 'too-many-requests');
  t.is(await ask('Bearer t0ken', '10.0.0.3'), 'robot', 'it was right there before');
  pass(250);
  t.is(await ask('Bearer t0ken', '10.0.0.2'), 'robot', 'once the wait is over');
});

test('failures are forgiven after a success and after ten quiet minutes', async (t) => {
  const { ask, pass } = setUp(robot, account('other', { tokenDigests: [digestOf('other')] }));
  for (let i = 0; i < 4; i++) await ask('Bearer wrong');
  t.is(await ask('Bearer t0ken'), 'robot');
  for (let i = 0; i < 5; i++) t.is(await ask('Bearer wrong'), 'wrong-password');
  t.is(await ask('Bearer wrong'), 'too-many-requests');
  pass(600_001);
  for (let i = 0; i < 5; i++) t.is(await ask('Bearer wrong'), 'wrong-password');
});

test('addresses of one IPv6 network of 64 bits are held back together', async (t) => {
  const { ask } = setUp(robot);
  for (let i = 0; i < 5; i++) await ask('Bearer wrong', `2001:db8:0:1::${i}`);
  t.is(await ask('Bearer wrong', '2001:0db8:0000:0001:ffff:0000:0000:0001'), 'too-many-requests');
  t.is(await ask('Bearer wrong', '2001:db8:0:2::1'), 'wrong-password');
});

test('an IPv4 address mapped into IPv6, however it is written, is held back alone and as itself', async (t) => {
  const { ask } = setUp(robot);
  // 127.0.0.2, as engines write it for a listener on ::
  for (let i = 0; i < 5; i++) await ask('Bearer wrong', '0000:0000:0000:0000:0000:ffff:7f00:0002');
  t.is(await ask('Bearer wrong', '::ffff:127.0.0.2'), 'too-many-requests');
  t.is(await ask('Bearer wrong', '::ffff:7f00:2'), 'too-many-requests');
  t.is(await ask('Bearer wrong', '127.0.0.2'), 'too-many-requests');
  t.is(await ask('Bearer t0ken', '0000:0000:0000:0000:0000:ffff:7f00:0003'), 'robot');
  t.is(await ask('Bearer t0ken', '0000:0000:0000:0000:0000:0000:0000:0001'), 'robot');
});

test('a name and a password given apart count as the pair they are', async (t) => {
  const { access } = setUp(app, account('ap', { tokenDigests: [digestOf('pcorrect horse')] }));
  const ap = await access.login('ap', 'pcorrect horse', '10.0.0.1');
  t.is(ap instanceof AccessUser && ap.name, 'ap');
  const user = await access.login('app', 'correct horse', '10.0.0.1');
  t.is(user instanceof AccessUser && user.name, 'app');
});

test('a printed hash is salted, and one that asks for too much is none', async (t) => {
  t.not(await hashPassword('x', 16), await hashPassword('x', 16));
  t.not(parsePasswordHash(await hashPassword('x', 16)), undefined);
  for (const text of [
    '',
    'plain',
    'scrypt$16384$8$5$c2FsdA==$',
    'scrypt$99999999$8$1$c2FsdHNhbHRzYWx0$a2V5a2V5a2V5a2V5a2V5a2V5',
    'scrypt$1000$8$1$c2FsdHNhbHRzYWx0$a2V5a2V5a2V5a2V5a2V5a2V5',
    'scrypt$16384$8$500$c2FsdHNhbHRzYWx0$a2V5a2V5a2V5a2V5a2V5a2V5',
    'scrypt$16384$0$1$c2FsdHNhbHRzYWx0$a2V5a2V5a2V5a2V5a2V5a2V5',
  ]) {
    t.is(parsePasswordHash(text), undefined, text);
  }
});
