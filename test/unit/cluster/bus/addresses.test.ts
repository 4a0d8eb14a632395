import test from 'ava';
import { announcedAddress } from '../../../../src/cluster/bus/announced-address.ts';
import { formatHostPort, parseHostPort, parseSeed } from '../../../../src/cluster/bus/bus-address.ts';
import { plainHost } from '../../../../src/cluster/bus/bus-connection.ts';
import { resolveSeed } from '../../../../src/cluster/bus/seed-resolver.ts';
import { SeenHosts } from '../../../../src/cluster/bus/seen-hosts.ts';

test('hosts with and without a port are read, of both versions of IP and by name', (t) => {
  for (const [text, host, port] of [
    ['node-1', 'node-1', 17_379],
    ['node-1.example:99', 'node-1.example', 99],
    ['10.0.0.1', '10.0.0.1', 17_379],
    ['10.0.0.1:99', '10.0.0.1', 99],
    ['[::1]:99', '::1', 99],
    ['[fd00::a]', 'fd00::a', 17_379],
    ['fd00::a', 'fd00::a', 17_379],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1', 17_379],
  ] as const) {
    t.deepEqual(parseHostPort(text, 17_379), { host, port }, text);
  }
  for (const text of ['', ':99', 'a:', 'a:0', 'a:65536', 'a:1:2x', 'a:999999', '[::1', '::1]:9x', '[a]b']) {
    t.is(parseHostPort(text, 17_379), null, text);
  }
  t.is(formatHostPort({ host: 'fd00::a', port: 99 }), '[fd00::a]:99');
});

test('a seed is a host or the name of a SRV record', (t) => {
  t.deepEqual(parseSeed('a:99', 1), { kind: 'host', host: 'a', port: 99 });
  t.deepEqual(parseSeed('srv:_bus._tcp.a', 1), { kind: 'srv', name: '_bus._tcp.a' });
  t.is(parseSeed('a:b:c:d', 1), null);
});

test('a seed stands for all addresses of its name, and of all hosts of its record that have any', async (t) => {
  const known: Record<string, string[]> = { a: ['10.0.0.1', 'fd00::1'], b: ['10.0.0.2'] };
  const names = {
    addresses: async (host: string) => known[host] ?? Promise.reject(new Error(`no ${host}`)),
    services: async (name: string) =>
      name === 'srv' ? ['a', 'gone', 'b'].map((host, place) => ({ host, port: 90 + place })) : [],
  };
  t.deepEqual(await resolveSeed({ kind: 'host', host: 'a', port: 5 }, names), [
    { host: '10.0.0.1', port: 5 },
    { host: 'fd00::1', port: 5 },
  ]);
  t.deepEqual(await resolveSeed({ kind: 'srv', name: 'srv' }, names), [
    { host: '10.0.0.1', port: 90 },
    { host: 'fd00::1', port: 90 },
    { host: '10.0.0.2', port: 92 },
  ]);
  await t.throwsAsync(resolveSeed({ kind: 'host', host: 'gone', port: 5 }, names), { message: 'no gone' });
  await t.throwsAsync(resolveSeed({ kind: 'srv', name: 'none' }, names), { message: /none of the 0 hosts of none/ });
});

test('a node is announced where it was told, else where it listens, else where others see it', (t) => {
  t.is(announcedAddress('outer.example:99', '10.0.0.1', 5, '10.9.9.9'), 'outer.example:99');
  t.is(announcedAddress('outer.example', '0.0.0.0', 5, ''), 'outer.example:5');
  t.is(announcedAddress('', '10.0.0.1', 5, '10.9.9.9'), '10.0.0.1:5');
  t.is(announcedAddress('', '0.0.0.0', 5, '10.9.9.9'), '10.9.9.9:5');
  t.is(announcedAddress('', '::', 5, 'fd00::9'), '[fd00::9]:5');
  const found = announcedAddress('', '0.0.0.0', 5, '');
  t.regex(found, /^.+:5$/);
  t.false(found.startsWith('0.0.0.0'));
});

test('of hosts at which nodes see this one, the one most see counts, and loopback last', (t) => {
  const seen = new SeenHosts();
  t.is(seen.best, '');
  seen.note('a', '127.0.0.1');
  t.is(seen.best, '127.0.0.1');
  seen.note('b', '10.0.0.5');
  seen.note('c', '127.0.0.1');
  t.is(seen.best, '10.0.0.5');
  seen.note('c', '10.0.0.6');
  t.is(seen.best, '10.0.0.5', 'of as many, always the same');
  seen.note('a', '10.0.0.6');
  t.is(seen.best, '10.0.0.6');
  seen.forget('a');
  seen.forget('c');
  t.is(seen.best, '10.0.0.5');
  seen.note('b', '');
  t.is(seen.best, '');
});

test('an IPv4 address that comes as one of IPv6 is taken for what it is', (t) => {
  t.is(plainHost('::ffff:10.0.0.1'), '10.0.0.1');
  t.is(plainHost('::ffff:a'), '::ffff:a');
  t.is(plainHost('fd00::1'), 'fd00::1');
});
