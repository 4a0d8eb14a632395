import { connect } from 'node:net';
import test from 'ava';
import type { BusTls } from '../../../../src/cluster/bus/bus-options.ts';
import { Certificates, hasOpenssl } from '../../server/certificates.ts';
import { startBus, until } from './bus-node.ts';

const onlyWithOpenssl = hasOpenssl ? test : test.skip;

function tlsOf(certificates: Certificates, name: string): BusTls {
  return {
    ca: certificates.authority,
    cert: certificates.read(`${name}.pem`),
    key: certificates.read(`${name}.key`),
    minVersion: 'TLSv1.2',
  };
}

onlyWithOpenssl('nodes whose certificates one authority has signed speak TLS; others are refused', async (t) => {
  const ours = new Certificates().issue('one').issue('two');
  const theirs = new Certificates().issue('three');
  t.teardown(() => {
    ours.remove();
    theirs.remove();
  });
  const limits = { handshakesMax: 4 };
  const one = await startBus(t, 'one', { tls: tlsOf(ours, 'one'), limits });
  const two = await startBus(t, 'two', { tls: tlsOf(ours, 'two') });
  two.dial(one);
  await until('they are connected', () => one.isConnectedTo('two') && two.isConnectedTo('one'));
  const long = 'x'.repeat(3_000_000);
  two.say('one', long);
  one.say('two', 'back');
  await until('the messages are there', () => one.texts.includes(long) && two.texts.includes('back'));

  const three = await startBus(t, 'three', { tls: tlsOf(theirs, 'three') });
  three.dial(one);
  await until('both say so', () => one.warnings.length > 0 && three.warnings.length > 0);
  t.false(one.isConnectedTo('three'));
  const plain = await startBus(t, 'plain');
  plain.dial(one);
  await until('a node without TLS gets nowhere', () => plain.warnings.length > 0);

  // Whoever only connects holds no place that somebody else needs.
  let closed = 0;
  for (let number = 0; number < 20; number++) {
    const idle = connect(one.port, '127.0.0.1');
    idle.on('error', () => undefined);
    idle.on('close', () => void closed++);
    t.teardown(() => idle.destroy());
  }
  await until('those that are too many are closed', () => closed >= 16, 1500);
  const four = await startBus(t, 'four', { tls: tlsOf(ours, 'two') });
  four.dial(one);
  await until('one more node is let in', () => four.isConnectedTo('one'));
  t.true(one.isConnectedTo('two', 'four'));

  // A new authority, as when the certificates are replaced.
  one.bus.setTls(tlsOf(theirs, 'three'));
  await until('connections to come are judged by it', () => one.isConnectedTo('three'));
  t.true(one.isConnectedTo('two'));
});
