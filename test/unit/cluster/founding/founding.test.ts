import test from 'ava';
import { Founding } from '../../../../src/cluster/founding/founding.ts';
import type { FoundingMessage, Proposal } from '../../../../src/cluster/founding/founding-message.ts';

const settings = { partitions: 8, leaseMs: 700, copies: 2, minInSync: 1, onLoss: 'offline' } as const;
const ids = { ours: 'a'.repeat(40), other: 'b'.repeat(40), new: 'c'.repeat(40) };

function proposalOf(proposer: string, changed: Partial<Proposal> = {}): Proposal {
  return { clusterId: ids.ours, proposer, boot: 1, number: 1, founders: ['a', 'b', 'c'], settings, ...changed };
}

function here(changed: Partial<Extract<FoundingMessage, { type: 'here' }>> = {}): FoundingMessage {
  return { type: 'here', expect: 3, boot: 1, number: 0, isOpen: false, promised: '', known: new Map(), ...changed };
}

/** Node b, which expects a and c. */
function founding(held: Proposal | null = null, expect = 3) {
  const run = { sent: [] as [string, FoundingMessage][], holds: [] as (Proposal | null)[], end: '', hindered: '' };
  const machine = new Founding(
    {
      self: 'b',
      boot: 1,
      expect,
      settings,
      hasSeeds: true,
      random: { nextUint32: () => 0 },
      newClusterId: () => ids.new,
    },
    held,
    {
      send: (to, message) => run.sent.push([to, message]),
      hold: (proposal) => run.holds.push(proposal),
      found: ({ clusterId }) => {
        run.end = `found ${clusterId}`;
      },
      join: (clusterId) => {
        run.end = `join ${clusterId}`;
      },
      hindered: (reason) => {
        run.hindered = reason;
      },
      heardOf: () => undefined,
    },
    0,
  );
  for (const node of ['a', 'c']) machine.connected(node, `${node}:1`, '', 0);
  const told = (type: FoundingMessage['type']): string[] =>
    run.sent.filter(([, message]) => message.type === type).map(([to]) => to);
  return { run, machine, told };
}

test('a promise is told once it is durable, and not before', (t) => {
  const { run, machine, told } = founding();
  machine.receive('a', { type: 'propose', proposal: proposalOf('a') }, 10);
  t.deepEqual(run.holds, [proposalOf('a')]);
  machine.receive('a', { type: 'propose', proposal: proposalOf('a') }, 20);
  t.deepEqual(told('promise'), []);
  machine.held();
  t.deepEqual(told('promise'), ['a']);
});

test('who has promised itself, also in an earlier start, promises nothing else and proposes nothing', (t) => {
  const { run, machine, told } = founding(proposalOf('a'));
  machine.receive('c', here(), 10);
  machine.receive('a', here({ number: 1, isOpen: true }), 10);
  machine.receive('c', { type: 'propose', proposal: proposalOf('c', { clusterId: ids.other }) }, 20);
  machine.tick(9000);
  t.deepEqual([told('refuse'), told('propose'), run.holds], [['c'], [], []]);
});

test('a promise ends when its proposer has given the proposal up, or has started again, and by nothing older', (t) => {
  for (const [message, isOver] of [
    [here({ number: 1, isOpen: true }), false],
    [here({ number: 0 }), false],
    [here({ number: 1 }), true],
    [here({ number: 2, isOpen: true }), true],
    [here({ boot: 2 }), true],
  ] as const) {
    const { run, machine } = founding(proposalOf('a'));
    machine.receive('c', here({ boot: 7 }), 5);
    machine.receive('a', message, 10);
    t.deepEqual(run.holds, isOver ? [null] : [], JSON.stringify({ ...message, known: undefined }));
  }
});

test('a node joins the cluster it hears of, and founds the one it has promised itself to', (t) => {
  const stranger = founding();
  stranger.machine.connected('x', 'x:1', ids.other, 10);
  t.is(stranger.run.end, `join ${ids.other}`);
  const founder = founding(proposalOf('a'));
  founder.machine.connected('c', 'c:1', ids.ours, 10);
  t.is(founder.run.end, `found ${ids.ours}`);
});

test('another cluster is joined in spite of a promise only if one of the founders is of it', (t) => {
  const { run, machine } = founding(proposalOf('a'));
  machine.connected('x', 'x:1', ids.other, 10);
  t.is(run.end, '');
  t.regex(run.hindered, /has promised to found another with node a/);
  machine.connected('c', 'c:1', ids.other, 20);
  t.is(run.end, `join ${ids.other}`);
});

test('a proposer has founded its cluster when all founders have promised, and not sooner', (t) => {
  const { run, machine, told } = founding();
  machine.receive('a', here(), 10);
  machine.receive('c', here(), 10);
  // a, the lower one, should have proposed, and has not.
  for (let nowMs = 300; told('propose').length === 0 && nowMs < 5000; nowMs += 300) machine.tick(nowMs);
  t.deepEqual(told('propose'), ['a', 'c']);
  machine.receive('a', { type: 'promise', clusterId: ids.new }, 3000);
  machine.receive('c', { type: 'promise', clusterId: ids.other }, 3000);
  t.is(run.end, '');
  machine.receive('c', { type: 'promise', clusterId: ids.new }, 3000);
  t.is(run.end, `found ${ids.new}`);
});

test('a proposal that was given up is founded by no late promise', (t) => {
  const { run, machine, told } = founding();
  machine.receive('a', here(), 10);
  machine.receive('c', here(), 10);
  let nowMs = 300;
  for (; told('propose').length === 0 && nowMs < 5000; nowMs += 300) machine.tick(nowMs);
  machine.receive('a', { type: 'promise', clusterId: ids.new }, nowMs);
  machine.receive('c', { type: 'refuse', clusterId: ids.new, isForNow: true, reason: 'elsewhere' }, nowMs);
  machine.receive('c', { type: 'promise', clusterId: ids.new }, nowMs);
  t.is(run.end, '');
});

test('nodes that are set up otherwise are refused, with what differs', (t) => {
  const faults: [Partial<Proposal>, RegExp][] = [
    [{ settings: { ...settings, partitions: 4 } }, /partitions is 4 on one and 8 on the other/],
    [{ settings: { ...settings, minInSync: 2 } }, /minInSync is 2 on one and 1 on the other/],
    [{ founders: ['a', 'b'] }, /bootstrapExpect is 2 on one and 3 on the other/],
  ];
  for (const [changed, reason] of faults) {
    const { run, machine } = founding();
    machine.receive('a', { type: 'propose', proposal: proposalOf('a', changed) }, 10);
    const [, refusal] = run.sent.at(-1) ?? [];
    t.like(refusal, { type: 'refuse', isForNow: false });
    t.regex(run.hindered, reason);
    t.deepEqual(run.holds, []);
  }
});

test('a lone founder with seeds looks a while for a cluster; a node that only joins proposes never', (t) => {
  const alone = founding(null, 1);
  alone.machine.tick(300);
  t.is(alone.run.end, '');
  alone.machine.tick(1300);
  t.is(alone.run.end, `found ${ids.new}`);
  const joiner = founding(null, 0);
  for (let nowMs = 300; nowMs < 9000; nowMs += 300) joiner.machine.tick(nowMs);
  t.is(joiner.run.end, '');
});
