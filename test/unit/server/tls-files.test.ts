import { copyFileSync, writeFileSync } from 'node:fs';
import anyTest from 'ava';
import { readTlsFiles, type TlsSettings } from '../../../src/server/tls/tls-files.ts';
import { Certificates, hasOpenssl } from '../../integration/server/certificates.ts';

const test = hasOpenssl ? anyTest : anyTest.skip;
const DAY_MS = 86_400_000;
let made: Certificates;

anyTest.before(() => {
  if (!hasOpenssl) return;
  made = new Certificates().issue('one').issue('two');
  made.install('one');
});

anyTest.after.always(() => made?.remove());

function settings(changed: Partial<Record<'certFile' | 'keyFile' | 'caFile', string>> = {}): TlsSettings {
  const { certFile = 'one.pem', keyFile = 'one.key', caFile = '' } = changed;
  return {
    certFile: made.path(certFile),
    keyFile: made.path(keyFile),
    caFile: caFile === '' ? '' : made.path(caFile),
    isClientCertRequired: true,
    minVersion: 'TLSv1.2',
  };
}

function problemsOf(changed: Parameters<typeof settings>[0]): string[] {
  const reading = readTlsFiles(settings(changed), Date.now());
  return reading.kind === 'problems' ? reading.problems.map((text) => text.replaceAll(`${made.folder}/`, '')) : [];
}

test('files that fit together are taken', (t) => {
  const reading = readTlsFiles(settings({ caFile: 'ca.pem' }), Date.now());
  if (reading.kind === 'problems') return t.fail(reading.problems.join());
  t.is(reading.material.subject, 'CN=one');
  t.deepEqual(reading.material.warnings, []);
  t.is(reading.material.options.requestCert, true);
  return undefined;
});

test('each file that is wrong is named, with what is wrong', (t) => {
  writeFileSync(made.path('empty.pem'), '');
  writeFileSync(made.path('broken.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  copyFileSync(made.path('one.pem'), made.path('half.pem'));
  t.deepEqual(problemsOf({ certFile: 'none.pem', keyFile: 'none.key', caFile: 'none-ca.pem' }), [
    'none.pem: cannot be read: there is no such file.',
    'none.key: cannot be read: there is no such file.',
    'none-ca.pem: cannot be read: there is no such file.',
  ]);
  t.deepEqual(problemsOf({ certFile: 'empty.pem' }), [
    'empty.pem: holds no certificate as PEM (-----BEGIN CERTIFICATE-----).',
  ]);
  t.deepEqual(problemsOf({ caFile: 'broken.pem' }), ['broken.pem: certificate 1 is broken.']);
  t.deepEqual(problemsOf({ keyFile: 'one.pem' }), ['one.pem: holds no private key as PEM.']);
  t.deepEqual(problemsOf({ keyFile: 'two.key' }), ['two.key: is not the key of the certificate in one.pem.']);
});

test('a key with a passphrase is refused', (t) => {
  writeFileSync(
    made.path('locked.key'),
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
  );
  t.deepEqual(problemsOf({ keyFile: 'locked.key' }), [
    'locked.key: is protected by a passphrase. A server needs a key without one.',
  ]);
});

test('dates that are over, near or to come are warned of', (t) => {
  const warningsAt = (days: number): string => {
    const reading = readTlsFiles(settings(), Date.now() + days * DAY_MS);
    return reading.kind === 'problems' ? 'refused' : reading.material.warnings.join();
  };
  t.is(warningsAt(0), '');
  t.regex(warningsAt(25), /one\.pem: the certificate of CN=one ends on /);
  t.regex(warningsAt(40), /one\.pem: the certificate of CN=one expired on /);
  t.regex(warningsAt(-1), /one\.pem: the certificate of CN=one is not valid before /);
});
