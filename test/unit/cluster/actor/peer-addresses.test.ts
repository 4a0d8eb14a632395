import test from 'ava';
import { PeerAddresses } from '../../../../src/cluster/actor/peer-addresses.ts';
import { emptyClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import { after, register, running } from '../controller/configuration.ts';

const hello = (node: string, address: string, boot = 1) => ({ node, address, boot, clusterId: '' });

function peersOf(addresses: PeerAddresses): Record<string, string> {
  addresses.hasChanged();
  return Object.fromEntries([...addresses.peers].sort());
}

test('nodes are where they registered, or where they say themselves', (t) => {
  const addresses = new PeerAddresses('a');
  addresses.configure(running('a', 'b', 'c'));
  t.true(addresses.hasChanged());
  t.deepEqual(peersOf(addresses), { b: 'b:7000', c: 'c:7000' });
  addresses.connected(hello('b', 'elsewhere:1', 2));
  addresses.connected(hello('c', '', 2));
  t.true(addresses.hasChanged());
  t.deepEqual(peersOf(addresses), { b: 'elsewhere:1', c: 'c:7000' });
  addresses.disconnected('b');
  t.false(addresses.hasChanged(), 'its later start is there still');
});

test('what an earlier start said of itself is not believed', (t) => {
  const addresses = new PeerAddresses('a');
  addresses.connected(hello('b', 'before:1', 1));
  addresses.configure(after(running('a', 'b'), register('b', 2)));
  t.deepEqual(peersOf(addresses), { b: 'b:7000' });
});

test('others are believed about later starts than the one that registered, and about no others', (t) => {
  const addresses = new PeerAddresses('a');
  addresses.configure(running('a', 'b', 'c'));
  addresses.hinted([
    { node: 'b', boot: 2, address: 'moved:1' },
    { node: 'c', boot: 1, address: 'moved:2' },
    { node: 'x', boot: 9, address: 'nobody:1' },
  ]);
  t.deepEqual(peersOf(addresses), { b: 'moved:1', c: 'c:7000' }, 'x is not of the cluster');
  addresses.hinted([{ node: 'b', boot: 1, address: 'late:1' }]);
  t.deepEqual(peersOf(addresses), { b: 'moved:1', c: 'c:7000' });
  addresses.connected(hello('b', 'itself:1', 2));
  t.deepEqual(peersOf(addresses), { b: 'itself:1', c: 'c:7000' });
});

test('a node that does not know its cluster yet looks for all whom others name, and tells of them', (t) => {
  const addresses = new PeerAddresses('a');
  addresses.configure(emptyClusterState);
  addresses.hinted([{ node: 'b', boot: 1, address: 'b:1' }]);
  addresses.connected(hello('c', 'c:1', 3));
  t.deepEqual(peersOf(addresses), { b: 'b:1', c: 'c:1' });
  t.deepEqual(addresses.known(), [
    { node: 'b', boot: 1, address: 'b:1' },
    { node: 'c', boot: 3, address: 'c:1' },
  ]);
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
  t.deepEqual(peersOf(addresses), { b: 'b:1', d: 'd:1' });
  addresses.configure(running('a', 'b'));
  t.deepEqual(peersOf(addresses), { b: 'b:7000' });
});
