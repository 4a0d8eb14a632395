import test from 'ava';
import { assert } from '../../../src/base/assert.ts';
import { applyCommand } from '../../../src/cluster/controller/apply-command.ts';
import type { ClusterCommand } from '../../../src/cluster/controller/cluster-command.ts';
import { type ClusterState, emptyClusterState, noEndpoints } from '../../../src/cluster/controller/cluster-state.ts';
import type { Coordinator } from '../../../src/cluster/coordinator.ts';
import { PartitionCopies } from '../../../src/cluster/partition-copies.ts';
import { defaultReplicationOptions } from '../../../src/cluster/replication/partition-copy.ts';
import type { ReplicationMessage } from '../../../src/cluster/replication/replication-message.ts';
import { settings } from './controller/configuration.ts';

/** A coordinator outside of the nodes: it does at once whatever it is asked, and every lease holds. */
class OutsideCoordinator implements Coordinator {
  state: ClusterState = emptyClusterState;
  readonly lease = { endsAtMs: Number.POSITIVE_INFINITY };
  readonly wakeAtMs = Number.POSITIVE_INFINITY;
  readonly asked: ClusterCommand[] = [];
  #lastRequest = 0;

  tick(): void {}

  nextRequest(): number {
    return ++this.#lastRequest;
  }

  submit(_request: number, command: ClusterCommand): void {
    this.asked.push(command);
    const { state, refusal } = applyCommand(this.state, command);
    assert(refusal === null, refusal ?? '');
    this.state = state;
  }
}

/** Two nodes with their copies of one partition, `a` its primary, and no network: messages arrive in a round. */
function start(): {
  round(): void;
  at: Record<'a' | 'b', PartitionCopies>;
  coordinator: OutsideCoordinator;
  acknowledged: number[];
} {
  const coordinator = new OutsideCoordinator();
  for (const node of ['a', 'b']) {
    coordinator.submit(0, {
      type: 'register',
      node,
      boot: 1,
      address: `${node}:1`,
      endpoints: noEndpoints,
      weight: 1,
      zone: null,
      partitions: null,
    });
  }
  coordinator.submit(0, { type: 'create', settings: settings(1, 2) });
  coordinator.submit(0, { type: 'place', moves: [{ partition: 0, version: 0, replicas: ['a', 'b'] }] });
  const acknowledged: number[] = [];
  let messages: [string, string, ReplicationMessage][] = [];
  let nowMs = 0;
  const make = (node: string): PartitionCopies =>
    new PartitionCopies(
      { node, boot: 1 },
      defaultReplicationOptions,
      coordinator,
      {
        send: (to, message) => messages.push([node, to, message]),
        apply: () => {},
        load: () => {},
        clear: () => {},
        readChunk: () => {},
        acknowledge: (_partition, committed) => acknowledged.push(committed),
        abandon: () => {},
      },
      nowMs,
    );
  const at = { a: make('a'), b: make('b') };
  const round = (): void => {
    nowMs += 10;
    const state = coordinator.state;
    const arriving = messages;
    messages = [];
    for (const [from, to, message] of arriving) (to === 'a' ? at.a : at.b).receive(from, message, nowMs);
    for (const copies of [at.a, at.b]) {
      copies.tick(nowMs);
      copies.flush(nowMs);
    }
    if (coordinator.state !== state) for (const copies of [at.a, at.b]) copies.configure(nowMs);
  };
  return { round, at, coordinator, acknowledged };
}

test('the data path works with any coordinator: a copy joins, and a write is acknowledged by both', (t) => {
  const { round, at, coordinator, acknowledged } = start();
  const isWhole = (): boolean => coordinator.state.partitions[0]?.inSync.length === 2;
  for (let rounds = 0; rounds < 50 && !isWhole(); rounds++) round();
  t.true(isWhole(), JSON.stringify(coordinator.state.partitions[0]));
  t.true(coordinator.asked.some(({ type }) => type === 'alter-in-sync'));

  t.is(at.a.copy(0)?.writeRefusal(1000), null);
  const seq = at.a.append(0, [7], new Uint8Array([1]), 1000);
  t.is(at.a.copy(0)?.pendingSeq(7), seq);
  const before = acknowledged.length;
  for (let rounds = 0; rounds < 10 && acknowledged.length === before; rounds++) round();
  t.is(acknowledged.at(-1), seq);
  t.is(at.b.copy(0)?.last, seq);
});

test('a message for a partition that this node knows nothing of is let be', (t) => {
  const { at } = start();
  const message: ReplicationMessage = {
    type: 'nack',
    partition: 5,
    epoch: 1,
    member: { node: 'b', boot: 1, generation: 0 },
    reason: 'gap',
    seq: 0,
    ask: 1,
  };
  t.notThrows(() => at.a.receive('b', message, 1));
  t.is(at.a.copy(5), undefined);
});

test('a write on a partition that is not here is a defect of the caller', (t) => {
  const { at } = start();
  t.throws(() => at.a.append(3, [], new Uint8Array(), 1), { message: /partition 3, which is not here/ });
});
