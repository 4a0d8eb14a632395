import type { Health } from '../base/health.ts';
import type { ClusterFacts } from '../server/cluster/cluster-watch.ts';
import type { LoadingFacts } from '../server/persistence/loading-watch.ts';
import type { NodeFacts } from './facts.ts';

/**
 * A node is ready when it serves with every shard. In a cluster it is while it may serve, once it has held leases for as long
 * as one lasts, and once the copies that were placed on it when it started are filled, so that whoever restarts nodes one by
 * one, each when the last is ready, loses nothing. It stays ready for reads only in name while a shard is replaced, or the
 * disk takes no writes. What the cluster lacks beyond that is told, and keeps no node from being ready.
 */
export function healthOf(facts: NodeFacts): Health {
  const state = facts.state();
  const reasons: string[] = [];
  if (state === 'starting') {
    const loading = facts.loading();
    reasons.push(loading === null ? 'the node is starting' : progressOf(loading));
  }
  if (state === 'draining') reasons.push('the node is shutting down');
  for (const [index, shard] of facts.shards().entries()) {
    if (!shard.isServing && state === 'serving') reasons.push(`shard ${index} is being restarted`);
  }
  const cluster = facts.cluster();
  const told = [...facts.diskTroubles()];
  if (cluster === null) return { ready: reasons.length === 0, reasons: [...reasons, ...told] };
  if (cluster.journalTrouble !== null) told.push(cluster.journalTrouble);
  // What is read is to be claimed: only then does the node ask to be taken in.
  if (facts.loading() === null) reasons.push(...obstacles(cluster));
  return { ready: reasons.length === 0, reasons: [...reasons, ...told, ...(cluster.isMember ? cluster.lacks : [])] };
}

function progressOf({ share, loadedBytes, totalBytes }: LoadingFacts): string {
  const what = 'the node is reading what was kept on the disk';
  // Nobody has looked yet how much there is.
  if (totalBytes === 0) return what;
  const amount = totalBytes < 2 ** 20 ? '' : `, ${mebibytes(loadedBytes)} of ${mebibytes(totalBytes)} MiB`;
  return `${what}: ${Math.floor(share * 100)} %${amount}`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

/** What keeps this node of a cluster from serving, or should keep requests away from it. */
function obstacles(cluster: ClusterFacts): string[] {
  const { isMember, filling, registrationRefusal, waitsFor, leaseLeftMs, hasHeldLease, nodes } = cluster;
  if (registrationRefusal !== null) return [`the cluster does not take this node in: ${registrationRefusal}`];
  if (!isMember) return [waitsFor ?? 'the node waits for the cluster'];
  const reasons: string[] = [];
  const own = nodes.find((node) => node.isSelf);
  if (leaseLeftMs === null) reasons.push('the node is cut off from the cluster: it holds no lease');
  else if (!hasHeldLease) reasons.push('the node has only just got its lease');
  if (filling !== null) {
    const { inSync, placed } = filling;
    reasons.push(
      placed === 0
        ? 'the node waits for the first partitions to begin'
        : `the copies of the node are being filled: ${inSync} of ${placed} are in sync`,
    );
  }
  if (own?.isDraining === true) reasons.push('the node is being drained');
  if (own?.health === 'stopping') reasons.push('the node is giving its primaries away');
  return reasons;
}
