import test from 'ava';
import { AccessOrigin } from '../../../src/server/access/origin.ts';

const answers = (access: AccessOrigin, hosts: string[]) => hosts.filter((host) => access.answersFor(host));

test('loopback names, addresses and the name listened on are answered, other names are not', (t) => {
  const access = new AccessOrigin('cache.internal', [], []);
  const right = [
    'localhost',
    'localhost:8081',
    'LOCALHOST:8081',
    '127.0.0.1:8081',
    '[::1]:8081',
    '192.168.1.7',
    '[fe80::1]:80',
    'cache.internal:8081',
    'cache.internal.',
    '',
  ];
  t.deepEqual(answers(access, right), right);
  const wrong = [
    'evil.example',
    'evil.example:8081',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '1.2.3.4.5',
    '256.1.1.1',
    ':8081',
    'localhost:x',
    'a b',
    '[evil.example]',
    'cache.internal:80:80',
  ];
  t.deepEqual(answers(access, wrong), []);
});

test('a host refused once stays refused after right ones, one answered stays answered', (t) => {
  const access = new AccessOrigin('127.0.0.1', [], []);
  for (let i = 0; i < 3; i++) {
    t.true(access.answersFor('localhost:8081'));
    t.false(access.answersFor('evil.example'));
  }
  for (let i = 0; i < 200; i++) t.true(access.answersFor(`127.0.0.1:${i}`));
});

test('allowed hosts are names, all names below one, or any', (t) => {
  const access = new AccessOrigin('127.0.0.1', ['Cache.example', '*.pods.example'], []);
  t.deepEqual(answers(access, ['cache.example:80', 'a.pods.example', 'a.b.pods.example']), [
    'cache.example:80',
    'a.pods.example',
    'a.b.pods.example',
  ]);
  t.deepEqual(answers(access, ['x.cache.example', 'pods.example', '.pods.example', 'evilpods.example']), []);
  t.true(new AccessOrigin('127.0.0.1', ['*'], []).answersFor('anything.example'));
});

test('programs that are no browsers may change things', (t) => {
  t.true(new AccessOrigin('127.0.0.1', [], []).mayChange('localhost:8081', '', ''));
});

test("the node's own pages may change things, pages of other origins may not", (t) => {
  const access = new AccessOrigin('127.0.0.1', [], []);
  t.true(access.mayChange('localhost:8081', 'http://localhost:8081', 'same-origin'));
  t.true(access.mayChange('localhost:8081', 'http://LOCALHOST:8081', ''));
  t.true(access.mayChange('localhost:8081', '', 'none'));
  t.false(access.mayChange('localhost:8081', 'http://localhost:3000', 'same-site'));
  t.false(access.mayChange('localhost:8081', 'https://evil.example', 'cross-site'));
  t.false(access.mayChange('localhost:8081', 'https://evil.example', ''));
  t.false(access.mayChange('localhost:8081', 'null', ''));
  t.false(access.mayChange('localhost:8081', '', 'cross-site'));
  t.false(access.mayChange('localhost:8081', '', 'same-site'));
  t.false(access.mayChange('', 'http://', ''));
});

test('allowed origins may change things, * means all of them', (t) => {
  const access = new AccessOrigin('127.0.0.1', [], ['https://App.example']);
  t.true(access.mayChange('localhost:8081', 'https://app.example', 'cross-site'));
  t.false(access.mayChange('localhost:8081', 'https://app.example:444', 'cross-site'));
  t.true(new AccessOrigin('127.0.0.1', [], ['*']).mayChange('localhost:8081', 'https://evil.example', 'cross-site'));
});
