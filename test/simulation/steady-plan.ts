import { DEFAULT_LEASE_MS } from '../../src/cluster/controller/settings.ts';
import { plainTuning } from './node-options.ts';
import type { WorldPlan } from './profiles.ts';

const PARTITIONS = 8;
const link = { minDelayMs: 0.1, meanDelayMs: 0.2, loss: 0, duplication: 0, corruption: 0, isReordering: false };

/** A cluster of five on a good network, of usual options, where nothing fails by itself: for scripts. */
export const steadyPlan: WorldPlan = {
  profile: 'single',
  nodes: 5,
  settings: { partitions: PARTITIONS, leaseMs: DEFAULT_LEASE_MS, copies: 2, minInSync: 1, onLoss: 'offline' },
  network: link,
  healed: link,
  disk: { syncMinMs: 0.5, syncMeanMs: 1 },
  clients: 4,
  habits: {
    partitions: PARTITIONS,
    keys: 64,
    thinkMeanMs: 5,
    delayMeanMs: 0.3,
    loss: 0,
    weakness: 0,
    attemptTimeoutMs: 300,
    giveUpMs: 3000,
  },
  safetyMs: 0,
  livenessMs: 30_000,
  evictEveryMs: 1000,
  tuning: plainTuning,
  isKept: false,
};
