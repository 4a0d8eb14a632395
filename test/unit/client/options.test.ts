import test from 'ava';
import { FluxCacheError } from '../../../src/client/errors.ts';
import { type ClientOptions, resolveOptions } from '../../../src/client/options.ts';

test('a URL names host, port and credentials, and TLS by its scheme', (t) => {
  t.like(resolveOptions('fluxcache://app:p%40ss@cache.example:7000').endpoint, {
    host: 'cache.example',
    port: 7000,
    user: 'app',
    password: 'p@ss',
    tls: null,
  });
  t.like(resolveOptions('fluxcaches://[::1]').endpoint, { host: '::1', port: 7379, tls: {} });
  t.like(resolveOptions({}).endpoint, { host: '127.0.0.1', port: 7379, password: undefined });
});

test('options win over the URL, those that are undefined do not', (t) => {
  const { endpoint } = resolveOptions({
    url: 'fluxcaches://a:b@host:1',
    port: 2,
    tls: { servername: 'other' },
    // As JavaScript callers write it, whose options may not be there.
    ...Object.fromEntries([['user', undefined]]),
  });
  t.like(endpoint, { host: 'host', port: 2, user: 'a', password: 'b', tls: { servername: 'other' } });
});

test('what is wrong is refused by the name of the option, and a password is never repeated', (t) => {
  const wrong: [string | ClientOptions, RegExp][] = [
    ['nonsense', /^Option url is no URL\.$/],
    ['redis://host', /^Option url must begin with fluxcache:/],
    ['fluxcache://user:hush@host/3', /^Option url must end with the host and port/],
    ['fluxcache://user:hush@', /^Option url/],
    ['fluxcache://user:hu%sh@host', /^Option url holds a percent sign/],
    [{ poolSize: 0 }, /^Option poolSize must be an integer from 1 to 1024, not 0\.$/],
    [{ port: 70_000 }, /^Option port must be an integer from 1 to 65535, not 70000\.$/],
    [{ commandTimeoutMs: -1 }, /^Option commandTimeoutMs /],
    [{ retry: { attemptsMax: 0 } }, /^Option retry\.attemptsMax /],
    [{ queue: { bytesMax: 1.5 } }, /^Option queue\.bytesMax /],
    ['fluxcache://user:hush@a:1,b:x', /^Option endpoints takes nodes as HOST or HOST:PORT/],
    ['fluxcache://user:hush@a,', /^Option endpoints /],
    [{ endpoints: [] }, /^Option endpoints must name at least one node\.$/],
    [{ endpoints: ['a:1'], host: 'b' }, /^Option endpoints and option host contradict each other\.$/],
    [{ endpoints: ['a', 'b'], cluster: false }, /^Option cluster must not be false with several endpoints\.$/],
    [
      Object.fromEntries([['readFrom', 'master']]),
      /^Option readFrom must be one of primary, replica, any, not master\.$/,
    ],
    [Object.fromEntries([['cluster', 'yes']]), /^Option cluster must be one of auto, true, false, not yes\.$/],
  ];
  for (const [options, message] of wrong) {
    const error = t.throws(() => resolveOptions(options), {
      instanceOf: FluxCacheError,
      code: 'invalid-argument',
      message,
    });
    t.false(error?.message.includes('hu'));
  }
});

test('an option that there is none of is refused, also one inside another, with the one that is near', (t) => {
  const refused = (options: object) =>
    t.throws(() => resolveOptions(options), { instanceOf: FluxCacheError, code: 'invalid-argument' })?.message;
  t.is(refused({ prot: 1 }), 'unknown option "prot"; did you mean port?');
  t.is(refused({ commandTimeoutMS: 1 }), 'unknown option "commandTimeoutMS"; did you mean commandTimeoutMs?');
  t.is(refused({ retry: { maxAttempts: 1 } })?.slice(0, 36), 'unknown option "retry.maxAttempts"; ');
  t.is(refused({ queue: { callMax: 1 } }), 'unknown option "queue.callMax"; did you mean queue.callsMax?');
  t.is(refused({ reconnect: { z: 1 } }), 'unknown option "reconnect.z"; the options are delayMsFirst, delayMsMax');
});

test('several nodes are named by endpoints, or by a URL with several hosts', (t) => {
  const seedsOf = (options: string | ClientOptions) =>
    resolveOptions(options).seeds.map(({ host, port }) => `${host}|${port}`);
  t.deepEqual(seedsOf('fluxcache://u:p@a:1,b,[::1]:3'), ['a|1', 'b|7379', '::1|3']);
  t.deepEqual(seedsOf({ endpoints: ['a', 'b:2', '[::1]', 'a:9000'], port: 9000 }), ['a|9000', 'b|2', '::1|9000']);
  t.deepEqual(seedsOf({ url: 'fluxcache://a,b', host: 'c' }), ['c|7379']);
  t.deepEqual(seedsOf({}), ['127.0.0.1|7379']);
  t.like(resolveOptions('fluxcaches://u:p@a:1,b'), {
    endpoint: { host: 'a', port: 1, user: 'u', password: 'p', tls: {} },
  });
  t.is(resolveOptions('fluxcache://a').cluster, 'auto');
  t.is(resolveOptions('fluxcache://a,b').cluster, true);
  t.is(resolveOptions({ cluster: false }).cluster, false);
});
