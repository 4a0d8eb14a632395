import test from 'ava';
import { PeerAddresses } from '../../../../src/cluster/actor/peer-addresses.ts';
import { after, register, running } from '../controller/configuration.ts';

const hello = (node: string, address: string, boot = 1) => ({ node, address, boot, clusterId: '' });

test('nodes are where they registered, or where they say while they are connected', (t) => {
  const addresses = new PeerAddresses('a');
  addresses.configure(running('a', 'b', 'c'));
  t.true(addresses.hasChanged());
  t.deepEqual(
    [...addresses.peers],
    [
      ['b', 'b:7000'],
      ['c', 'c:7000'],
    ],
  );
  addresses.connected(hello('b', 'elsewhere:1', 2));
  addresses.connected(hello('c', '', 2));
  t.true(addresses.hasChanged());
  t.deepEqual(
    [...addresses.peers],
    [
      ['b', 'elsewhere:1'],
      ['c', 'c:7000'],
    ],
  );
  addresses.disconnected('b');
  t.true(addresses.hasChanged());
  t.false(addresses.hasChanged());
});

test('what an earlier start says of itself is not believed', (t) => {
  const addresses = new PeerAddresses('a');
  addresses.connected(hello('b', 'before:1', 1));
  addresses.configure(after(running('a', 'b'), register('b', 2)));
  addresses.hasChanged();
  t.is(addresses.peers.get('b'), 'b:7000');
});

test('before there is a cluster, nodes are where others say; afterwards only its own are looked for', (t) => {
  const addresses = new PeerAddresses('a');
  addresses.heardOf(
    new Map([
      ['b', 'b:1'],
      ['a', 'a:1'],
      ['c', ''],
    ]),
  );
  addresses.connected(hello('d', 'd:1'));
  addresses.disconnected('d');
  addresses.hasChanged();
  t.deepEqual(
    [...addresses.peers],
    [
      ['b', 'b:1'],
      ['d', 'd:1'],
    ],
  );
  addresses.configure(running('a', 'b'));
  addresses.hasChanged();
  t.deepEqual([...addresses.peers], [['b', 'b:7000']]);
});
