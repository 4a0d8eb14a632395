import { mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { NodeIdentityFile } from '../../../../src/cluster/actor/node-identity-file.ts';

function directoryOf(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'fluxcache-identity-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const settings = { partitions: 4, leaseMs: 700, copies: 2, minInSync: 1, onLoss: 'offline' } as const;
const clusterId = 'ab'.repeat(20);
const proposal = { clusterId, proposer: 'a', boot: 1, number: 1, founders: ['a', 'b'], settings };

test('a new directory makes a node with a name of its own, which it keeps', (t) => {
  const directory = join(directoryOf(t), 'deeper', 'still');
  const { identity } = new NodeIdentityFile(directory, 'Rack 7/Node Ä');
  t.regex(identity.node, /^rack-7-node-[\da-f]{8}$/);
  t.deepEqual(new NodeIdentityFile(directory, 'another name').identity, identity);
  t.not(new NodeIdentityFile(join(directory, 'other'), 'Rack 7/Node Ä').identity.node, identity.node);
  t.regex(new NodeIdentityFile(join(directory, 'third'), 'Ä').identity.node, /^node-/);
});

test('what is written is read again', (t) => {
  const directory = directoryOf(t);
  const file = new NodeIdentityFile(directory, 'a');
  const identity = { ...file.identity, clusterId, settings, proposal, isBeginning: true };
  file.write(identity);
  t.deepEqual(new NodeIdentityFile(directory, 'a').identity, identity);
});

test('a node that was removed does not start again, and says what to empty', (t) => {
  const directory = directoryOf(t);
  const file = new NodeIdentityFile(directory, 'a');
  const { node } = file.identity;
  file.write({ ...file.identity, clusterId, isRemoved: true });
  t.throws(() => new NodeIdentityFile(directory, 'a'), {
    message: `${node} was removed from cluster ${clusterId}. Empty ${directory} to let it join as a new node.`,
  });
});

test('a file that is damaged is refused by its name, with what is wrong', (t) => {
  const directory = directoryOf(t);
  const path = join(directory, 'node.json');
  new NodeIdentityFile(directory, 'a');
  const good = JSON.parse(readFileSync(path, 'utf8'));
  const faults: [string, RegExp][] = [
    ['{', /it is no JSON/],
    ['7', /it holds no object/],
    [JSON.stringify({ ...good, version: 2 }), /it is of version 2, not 1/],
    [JSON.stringify({ ...good, node: 'A b' }), /node is no name of a node/],
    [JSON.stringify({ ...good, clusterId: 'x' }), /clusterId is none/],
    [JSON.stringify({ ...good, isBeginning: true }), /there are no founders/],
    [JSON.stringify({ ...good, isRemoved: 1 }), /isRemoved is no boolean/],
    [JSON.stringify({ ...good, settings: { ...settings, copies: 99 } }), /settings: copies is 99/],
    [
      JSON.stringify({ ...good, proposal: { ...proposal, founders: ['b', 'a'] } }),
      /proposal must name founders once, in order/,
    ],
  ];
  for (const [text, message] of faults) {
    writeFileSync(path, text);
    const error = t.throws(() => new NodeIdentityFile(directory, 'a'), { message });
    t.true(error?.message.includes(path));
  }
});

test('without its file, a log of consensus belongs to nobody', (t) => {
  const directory = directoryOf(t);
  new NodeIdentityFile(directory, 'a');
  writeFileSync(join(directory, 'raft-1.journal'), '');
  unlinkSync(join(directory, 'node.json'));
  t.throws(() => new NodeIdentityFile(directory, 'a'), { message: /node\.json is missing beside the node's log/ });
});

test('a directory that cannot be made is told by name', (t) => {
  const directory = directoryOf(t);
  writeFileSync(join(directory, 'file'), '');
  t.throws(() => new NodeIdentityFile(join(directory, 'file'), 'a'), { message: /node\.json cannot be made: / });
});
