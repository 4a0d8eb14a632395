import test, { type ExecutionContext } from 'ava';
import type { Failover, Happening } from '../../../../src/monitoring/dashboard/feed.ts';
import { ClusterProcesses } from '../../../cluster-processes.ts';
import { DashboardReader } from '../../../dashboard-reader.ts';

/** Three nodes, with a dashboard open at each of the second and the third. */
async function threeNodes(t: ExecutionContext, flags: readonly string[]) {
  const cluster = await ClusterProcesses.start({ count: 3, flags: ['--lease', '2s', '--partitions', '16', ...flags] });
  t.teardown(() => cluster.end());
  const open = (name: string): DashboardReader => {
    const reader = new DashboardReader(cluster.addressesOf(name).url);
    t.teardown(() => reader.close());
    return reader;
  };
  return { cluster, open };
}

/** Writes keys of all partitions at these nodes, one after the other, until it is told to stop. */
function writer(urls: readonly string[]) {
  let isStopped = false;
  let number = 0;
  const run = async (url: string): Promise<void> => {
    while (!isStopped) {
      try {
        await fetch(`${url}/v1/keys/key${number++ % 500}`, {
          method: 'PUT',
          body: 'x',
          signal: AbortSignal.timeout(5000),
        });
      } catch {
        // While nobody is primary there is nothing to be had.
      }
    }
  };
  const done = Promise.all(urls.map(run));
  return async (): Promise<void> => {
    isStopped = true;
    await done;
  };
}

function idOf(reader: DashboardReader, name: string): string | null {
  const nodes = reader.last('cluster')?.report.nodes ?? [];
  return nodes.find(({ id }) => id === name || id.startsWith(`${name}-`))?.id ?? null;
}

function failoverOf(reader: DashboardReader, node: string): Failover | null {
  return fencedOf(reader).find((failover) => failover.node === node) ?? null;
}

/** On a machine that is busy a node may be suspected for a moment, and turn out to be there. */
function fencedOf(reader: DashboardReader): Failover[] {
  return reader.last('failovers')?.filter(({ fencedAtMs }) => fencedAtMs !== null) ?? [];
}

function happeningOf(reader: DashboardReader, kind: Happening['kind'], node: string): Happening | null {
  return reader.last('happenings')?.find((happening) => happening.kind === kind && happening.node === node) ?? null;
}

// One cluster after the other: of too many processes at once some would be taken for lost.
test.serial('a node that is killed, started again and stopped in order is told of by whoever is left', async (t) => {
  const { cluster, open } = await threeNodes(t, ['--copies', '3']);
  const second = open('n2');
  const third = open('n3');
  const killed = await second.until('the nodes are told of', () => idOf(second, 'n1'));
  const primaries = await second.until('it is primary of some', () => {
    const node = second.last('cluster')?.report.nodes.find(({ id }) => id === killed);
    const isBalanced = second.last('cluster')?.report.rebalance.isBalanced ?? false;
    return isBalanced && node !== undefined && node.primaries > 0 ? node.primaries : null;
  });
  const stopWriting = writer(['n2', 'n3'].map((name) => cluster.addressesOf(name).url));
  t.deepEqual(fencedOf(second), []);
  const killedAtMs = Date.now();
  await cluster.process('n1').kill();
  for (const reader of [second, third]) {
    const failover = await reader.until('the whole failover is told', () => {
      const found = failoverOf(reader, killed);
      return found !== null && found.endedAtMs !== null && found.firstWriteAtMs !== null ? found : null;
    });
    const { suspectedAtMs, fencedAtMs, promotedAtMs, promotedLastAtMs, firstWriteAtMs, endedAtMs } = failover;
    const times = [killedAtMs - 1, suspectedAtMs, fencedAtMs, promotedAtMs, firstWriteAtMs, Date.now() + 1];
    t.true(
      times.every((time) => time !== null),
      JSON.stringify(failover),
    );
    t.deepEqual(
      [...times],
      [...times].sort((left, right) => Number(left) - Number(right)),
      'one after the other',
    );
    t.true(promotedLastAtMs !== null && promotedAtMs !== null && promotedLastAtMs >= promotedAtMs);
    t.true(endedAtMs !== null && promotedLastAtMs !== null && endedAtMs >= promotedLastAtMs);
    t.is(failover.partitions, primaries);
    t.is(failover.lostPartitions, 0);
    t.is(failover.keysLost, 0);
    const taken = Object.values(failover.takenBy).reduce((sum, count) => sum + count, 0);
    t.is(taken, primaries);
    t.is(fencedOf(reader).length, 1);
  }
  t.log(failoverOf(second, killed));
  const metrics = await (await fetch(`${cluster.addressesOf('n2').url}/metrics`)).text();
  t.regex(metrics, /^fluxcache_failover_duration_seconds [0-9.]+$/m);

  await cluster.startNode('n1');
  await cluster.isReady('n1');
  const restarted = await third.until('it was started again', () => happeningOf(third, 'restarted', killed));
  t.true(restarted.atMs >= killedAtMs);
  await third.until('it says how it is', () => {
    const peer = third.last('cluster')?.peers.find(({ node }) => node === killed);
    return peer !== undefined && (peer.heardAtMs ?? 0) >= restarted.atMs && peer.sample !== null ? peer : null;
  });

  const stopped = await third.until('the nodes are told of', () => idOf(third, 'n2'));
  cluster.process('n2').child.kill('SIGTERM');
  await cluster.process('n2').ended;
  const handedOver = await third.until('it has handed over', () => happeningOf(third, 'handed-over', stopped));
  t.true((handedOver.partitions ?? 0) > 0);
  await third.until('it is known to have ended', () =>
    third.last('cluster')?.report.nodes.find(({ id }) => id === stopped)?.health === 'stopped' ? true : null,
  );
  t.is(failoverOf(third, stopped), null, 'nobody had to take over');
  await stopWriting();
});

test.serial('of partitions without another copy nobody says that nothing was lost', async (t) => {
  const { cluster, open } = await threeNodes(t, ['--copies', '1', '--on-loss', 'reset']);
  const reader = open('n2');
  const killed = await reader.until('the nodes are told of', () => idOf(reader, 'n1'));
  await reader.until('it is primary of some', () => {
    const report = reader.last('cluster')?.report;
    const node = report?.nodes.find(({ id }) => id === killed);
    return report?.rebalance.isBalanced === true && node !== undefined && node.primaries > 0 ? true : null;
  });
  await cluster.process('n1').kill();
  const fenced = await reader.until('its partitions are offline', () => failoverOf(reader, killed));
  t.true(fenced.lostPartitions > 0);
  t.is(fenced.keysLost, null);
  t.is(fenced.endedAtMs, null);
  await cluster.startNode('n1');
  const ended = await reader.until('they have begun empty', () => {
    const found = failoverOf(reader, killed);
    return found === null || found.endedAtMs === null ? null : found;
  });
  t.is(ended.lostPartitions, fenced.lostPartitions);
  t.is(ended.keysLost, null);
  t.true(reader.last('happenings')?.some(({ kind }) => kind === 'offline'));
  t.true(reader.last('happenings')?.some(({ kind }) => kind === 'reset'));
});
