import type { Config } from '../../config/options.ts';

/** Limits that can be changed while the node runs. Whoever keeps one reads it here each time. */
export interface LiveLimits {
  connectionsMax: number;
  idleTimeoutMs: number;
  connectionOutputBytesMax: number;
  drainTimeoutMs: number;
  trackedKeysMax: number;
}

export function liveLimits(config: Config): LiveLimits {
  return {
    connectionsMax: config.maxConnections,
    idleTimeoutMs: config.idleTimeout,
    connectionOutputBytesMax: config.maxClientOutput,
    drainTimeoutMs: config.drainTimeout,
    trackedKeysMax: config.maxTrackedKeys,
  };
}
