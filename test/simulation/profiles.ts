import type { ClusterSettings } from '../../src/cluster/controller/cluster-state.ts';
import type { DiskQuality } from './disk.ts';
import type { FaultKind } from './fault-kinds.ts';
import type { LinkQuality } from './network.ts';
import { drawPace, drawTuning, type Tuning } from './node-options.ts';
import type { SeededRandom } from './random.ts';
import type { ClientHabits } from './simulated-client.ts';

/** What one run is to be like, before anything is drawn by chance. */
export interface Profile {
  readonly summary: string;
  /** How likely each kind of fault is, against the others. */
  readonly weights: Partial<Record<FaultKind, number>>;
  /** Between two faults. Milliseconds. */
  readonly faultEveryMs: number;
  /** A fault only strikes a cluster that has recovered from the one before: then nothing may ever be lost. */
  readonly isSpaced: boolean;
  /** How many nodes may be down or cut off at once, as a share of all; those of a spaced profile one by one. */
  readonly downShareMax: number;
  readonly networks: readonly (keyof typeof networks)[];
  /** Many clients on few partitions: much is always on its way when something fails. */
  readonly isBusy?: boolean;
  /** Nodes keep their keys on their disks, and confirm only what is there: then nothing may be lost by any crash. */
  readonly isKept?: boolean;
}

const networks = {
  lan: { minDelayMs: 0.1, meanDelayMs: 0.1, loss: 0, duplication: 0, corruption: 0, isReordering: false },
  datagrams: { minDelayMs: 0.1, meanDelayMs: 1, loss: 0.005, duplication: 0.01, corruption: 0.001, isReordering: true },
  metro: { minDelayMs: 1, meanDelayMs: 3, loss: 0, duplication: 0, corruption: 0, isReordering: false },
  slow: { minDelayMs: 5, meanDelayMs: 30, loss: 0.002, duplication: 0.01, corruption: 0, isReordering: true },
} as const satisfies Record<string, LinkQuality>;

export const profiles = {
  calm: {
    summary: 'nothing fails: joins, drains and hand-overs only',
    weights: { join: 1, drain: 1, transfer: 1, settings: 0.5 },
    faultEveryMs: 1500,
    isSpaced: true,
    downShareMax: 0,
    networks: ['lan', 'metro'],
  },
  single: {
    summary: 'one fault at a time, the next one after recovery: nothing may be lost',
    weights: {
      crash: 3,
      'crash-primary': 3,
      pause: 2,
      isolate: 2,
      'one-way': 1,
      'lose-data': 2,
      'disk-full': 1,
      'cut-link': 1,
      clog: 1,
    },
    faultEveryMs: 700,
    isSpaced: true,
    downShareMax: 0.34,
    networks: ['lan', 'lan', 'datagrams', 'metro'],
  },
  harsh: {
    summary: 'everything at once',
    weights: {
      crash: 3,
      ambush: 4,
      'crash-leader': 1,
      'crash-primary': 2,
      pause: 3,
      isolate: 2,
      split: 2,
      'one-way': 2,
      'cut-link': 2,
      flap: 1,
      clog: 2,
      degrade: 2,
      'lose-data': 1,
      'disk-slow': 1,
      'disk-full': 0.5,
      'disk-damage': 0.2,
      join: 0.5,
      drain: 0.5,
      transfer: 0.5,
      settings: 0.3,
      flood: 0.5,
    },
    faultEveryMs: 450,
    isSpaced: false,
    downShareMax: 0.67,
    networks: ['lan', 'datagrams', 'metro', 'slow'],
  },
  clocks: {
    summary: 'pauses and suspensions about as long as leases, on clocks that drift',
    weights: {
      pause: 8,
      isolate: 1,
      'one-way': 1,
      crash: 0.5,
      'pause-primary': 6,
      'pause-leader': 3,
      clog: 1,
      ambush: 2,
    },
    faultEveryMs: 400,
    isSpaced: false,
    downShareMax: 0.67,
    networks: ['lan', 'datagrams', 'metro'],
  },
  disks: {
    summary: 'crashes with unsynced and torn writes, slow, full and damaged disks',
    weights: {
      crash: 5,
      'crash-all': 0.4,
      'disk-slow': 3,
      'disk-full': 2,
      'disk-damage': 4,
      'crash-leader': 2,
      ambush: 3,
    },
    faultEveryMs: 600,
    isSpaced: false,
    downShareMax: 0.67,
    networks: ['lan', 'datagrams', 'metro'],
  },
  members: {
    summary: 'nodes join, drain, leave and come back while others fail',
    weights: {
      join: 3,
      drain: 3,
      settings: 1,
      crash: 1.5,
      pause: 1,
      isolate: 0.5,
      transfer: 1,
      'lose-data': 0.5,
      ambush: 3,
    },
    faultEveryMs: 500,
    isSpaced: false,
    downShareMax: 0.34,
    networks: ['lan', 'datagrams', 'metro'],
  },
  controllers: {
    summary: 'whoever leads the configuration dies, stops or is cut off, over and over',
    weights: {
      'crash-leader': 4,
      'pause-leader': 3,
      'isolate-leader': 3,
      transfer: 2,
      crash: 1,
      'crash-primary': 1,
      ambush: 3,
    },
    faultEveryMs: 600,
    isSpaced: false,
    downShareMax: 0.5,
    networks: ['lan', 'datagrams', 'metro', 'slow'],
  },
  network: {
    summary: 'partitions of all kinds, loss, doubles, disorder and damage',
    weights: {
      isolate: 2,
      split: 3,
      'one-way': 3,
      'cut-link': 3,
      flap: 3,
      clog: 3,
      degrade: 4,
      'crash-primary': 1,
      ambush: 2,
    },
    faultEveryMs: 350,
    isSpaced: false,
    downShareMax: 0.67,
    networks: ['lan', 'datagrams', 'metro', 'slow'],
  },
  busy: {
    summary: 'many writes on few partitions, while primaries and single links fail',
    weights: {
      strand: 8,
      ambush: 4,
      'crash-primary': 3,
      'pause-primary': 3,
      split: 5,
      'cut-link': 3,
      'one-way': 2,
      clog: 3,
      degrade: 2,
      isolate: 1,
      crash: 1,
      'lose-data': 1,
    },
    faultEveryMs: 350,
    isSpaced: false,
    downShareMax: 0.5,
    networks: ['lan', 'datagrams', 'metro', 'slow'],
    isBusy: true,
  },
  rolling: {
    summary: 'nodes end in order and start again, one after the other: nothing may be lost',
    weights: { stop: 8, 'crash-primary': 1, transfer: 1, join: 0.5, drain: 0.5, settings: 0.5 },
    faultEveryMs: 500,
    isSpaced: true,
    downShareMax: 0.34,
    networks: ['lan', 'lan', 'datagrams', 'metro'],
  },
  kept: {
    summary:
      'nodes keep their keys on their disks; all of them die at once, or one after the other: nothing may be lost',
    weights: {
      'crash-all': 4,
      crash: 4,
      'crash-primary': 3,
      'crash-leader': 1,
      ambush: 3,
      stop: 2,
      strand: 2,
      pause: 1,
      isolate: 1,
      split: 1,
      'cut-link': 1,
      degrade: 1,
      'disk-slow': 2,
      'disk-full': 1,
      transfer: 0.5,
    },
    faultEveryMs: 500,
    isSpaced: false,
    downShareMax: 1,
    networks: ['lan', 'lan', 'datagrams', 'metro', 'slow'],
    isKept: true,
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;

export const profileNames = Object.keys(profiles) as readonly ProfileName[];

/** Everything about one run that is decided before it begins. */
export interface WorldPlan {
  readonly profile: ProfileName;
  readonly nodes: number;
  readonly settings: ClusterSettings;
  readonly network: LinkQuality;
  /** What the network is like once it is healed. */
  readonly healed: LinkQuality;
  readonly disk: DiskQuality;
  readonly clients: number;
  readonly habits: ClientHabits;
  readonly safetyMs: number;
  readonly livenessMs: number;
  readonly evictEveryMs: number;
  readonly tuning: Tuning;
  /** Nodes keep their keys on their disks. */
  readonly isKept: boolean;
}

/** So many profiles take turns; those that came later have every so many-th seed, so that the others keep theirs. */
const TURNS = 9;
const LATER_EVERY = 16;
const LATER_AT = 15;

export function profileOf(seed: number): ProfileName {
  const later = profileNames.slice(TURNS);
  if (seed % LATER_EVERY === LATER_AT) return later[Math.floor(seed / LATER_EVERY) % later.length] as ProfileName;
  return profileNames[seed % TURNS] as ProfileName;
}

export function planOf(profile: ProfileName, random: SeededRandom): WorldPlan {
  const { networks: allowed, isSpaced, isBusy = false, isKept = false } = profiles[profile] as Profile;
  const base = networks[random.pick(allowed)];
  const nodes = random.pick(isBusy ? [3, 4, 5, 5, 5] : [3, 3, 3, 4, 5, 5, 7]);
  const partitions = isBusy ? random.integer(1, 3) : random.integer(4, 8);
  const copies = random.pick(isBusy ? [2, 3, 3, 4] : isSpaced ? [2, 2, 3] : [1, 2, 2, 3, 3]);
  const minInSync = copies > 1 && random.chance(0.35) ? 2 : 1;
  const onLoss = random.chance(0.6) ? 'reset' : 'offline';
  const meanDelayMs = base.meanDelayMs * random.logBetween(0.7, 2);
  const network = { ...base, meanDelayMs };
  const pace = drawPace(random);
  return {
    profile,
    nodes,
    settings: { partitions, leaseMs: pace.leaseMs, copies, minInSync, onLoss },
    network,
    healed: { ...network, meanDelayMs: Math.min(meanDelayMs, 5), minDelayMs: Math.min(base.minDelayMs, 1), loss: 0 },
    disk: { syncMinMs: 0.1, syncMeanMs: random.logBetween(0.2, 8) },
    clients: isBusy ? random.integer(6, 12) : random.integer(2, 4),
    habits: {
      partitions,
      keys: partitions * random.pick([1, 2, 4, 12]),
      thinkMeanMs: isBusy ? random.logBetween(1, 8) : random.logBetween(4, 40),
      delayMeanMs: random.logBetween(0.2, 4),
      loss: random.chance(0.5) ? 0.002 : 0,
      weakness: random.pick(isBusy ? [0, 0.2, 0.5] : [0, 0.1, 0.3]),
      attemptTimeoutMs: random.pick([400, 1000, 2000]),
      giveUpMs: 3000,
    },
    safetyMs: isBusy ? random.integer(3000, 6000) : random.integer(6000, 10_000),
    livenessMs: 30_000,
    evictEveryMs: random.logBetween(200, 2000),
    tuning: drawTuning(random, pace, !isSpaced && !isKept),
    isKept,
  };
}
