import { choice, count, flag, seconds } from './option-kinds.ts';

const showing = 'Output';
const waiting = 'Waiting';
const settings = 'Of cluster settings';

/** Options of `fluxcache cluster`, behind its words. */
export const clusterOptions = {
  json: flag({ flags: ['--json'], group: showing, doc: 'Print JSON, as GET /v1/cluster has it.' }),
  watch: flag({
    flags: ['--watch'],
    group: showing,
    doc: 'Of status: show it again and again. -i and -r may stand in front of the word cluster as well.',
  }),
  interval: seconds({
    flags: ['-i'],
    group: showing,
    doc: 'With --watch: time between two. Default: 1.',
    default: undefined,
    minMs: 0,
  }),
  repeat: count({
    flags: ['-r'],
    group: showing,
    doc: 'With --watch: how often; -1 is without end. Default: -1.',
    default: -1,
    min: -1,
    max: Number.MAX_SAFE_INTEGER,
  }),
  partitions: flag({ flags: ['--partitions'], group: showing, doc: 'Of status: a line for each partition, too.' }),
  noWait: flag({
    flags: ['--no-wait'],
    group: waiting,
    doc: 'Return once the cluster has agreed, and do not wait for what follows.',
  }),
  timeout: seconds({
    flags: ['--timeout'],
    group: waiting,
    doc: 'Give up waiting after so long; what was begun goes on. 0 is never. Default: 600.',
    default: 600_000,
    minMs: 0,
  }),
  force: flag({
    flags: ['--force'],
    group: waiting,
    doc: 'Of remove and reset: give up what only a node has that does not come back. Those keys are lost.',
  }),
  copies: count({
    flags: ['--copies'],
    group: settings,
    doc: 'Copies of each partition, the primary included.',
    default: 0,
    min: 1,
    max: 7,
  }),
  minInSync: count({
    flags: ['--min-in-sync'],
    group: settings,
    doc: 'Copies that must have a write before it is acknowledged.',
    default: 0,
    min: 1,
    max: 7,
  }),
  onLoss: choice({
    flags: ['--on-loss'],
    group: settings,
    doc: 'What becomes of a partition whose last copy is lost: it waits for an administrator, or begins empty.',
    of: ['offline', 'reset'],
    default: 'offline',
  }),
} as const;
