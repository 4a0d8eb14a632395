import { ClusterRouter } from './cluster-router.ts';
import type { ClientEventTarget } from './events.ts';
import type { NearCache } from './near-cache/near-cache.ts';
import type { ResolvedOptions } from './options.ts';
import { type Router, SingleNodeRouter } from './router.ts';

/** Makes the way to the servers that the options name; nothing connects yet. */
export function openRouter(options: ResolvedOptions, events: ClientEventTarget, near: NearCache | null): Router {
  return options.cluster === false
    ? new SingleNodeRouter(options, events, near)
    : new ClusterRouter(options, events, near);
}
