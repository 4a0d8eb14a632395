import type { Health } from '../base/health.ts';
import type { NodeFacts } from './facts.ts';

/** A node is ready when it serves with every shard; it stays ready for reads only in name while a shard is replaced. */
export function healthOf(facts: NodeFacts): Health {
  const state = facts.state();
  const reasons: string[] = [];
  if (state === 'starting') reasons.push('the node is starting');
  if (state === 'draining') reasons.push('the node is shutting down');
  for (const [index, shard] of facts.shards().entries()) {
    if (!shard.isServing && state === 'serving') reasons.push(`shard ${index} is being restarted`);
  }
  return { ready: reasons.length === 0, reasons };
}
