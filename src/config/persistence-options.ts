import { choice, size, text, time, toggle } from './kinds.ts';

const MB = 2 ** 20;
const GB = 2 ** 30;

/** What a node keeps on the disk. */
export const persistenceOptions = {
  persistence: toggle({
    group: 'persistence',
    doc: 'Keep keys and values in dataDir, so that they are there after a restart: a log of all changes, and snapshots.',
    default: false,
  }),
  dataDir: text({
    group: 'persistence',
    doc: 'Directory for what a node must not forget: of a node of a cluster who it is, and its part of the configuration; with persistence, the keys. One for each node.',
    default: './fluxcache-data',
    pattern: /^[^\0]+$/,
    allowed: 'the path of a directory',
    placeholder: 'DIRECTORY',
  }),
  fsync: choice({
    group: 'persistence',
    doc: 'When changes are made sure to be on the disk: always before they are acknowledged, everysec within a second, no when the system likes. A process that is killed loses nothing acknowledged with any of them, a machine that stops only with always.',
    default: 'everysec',
    of: ['always', 'everysec', 'no'],
  }),
  onDiskError: choice({
    group: 'persistence',
    doc: 'What becomes of writes while the disk takes nothing: they fail, or go on in memory alone, and a snapshot makes up for them later. Reads go on either way.',
    default: 'fail',
    of: ['fail', 'continue'],
  }),
  snapshotInterval: time({
    group: 'persistence',
    doc: 'How often a snapshot is made, when anything has changed; 0: only by growth of the log and when asked.',
    default: 3_600_000,
    min: 0,
    max: 604_800_000,
  }),
  snapshotLogSize: size({
    group: 'persistence',
    doc: 'A snapshot is made when the log since the last one is larger than that one and than this.',
    default: 64 * MB,
    min: 64 * 1024,
    max: 1024 * GB,
  }),
  logSegmentSize: size({
    group: 'persistence',
    doc: 'Size of the files that the log is cut into.',
    default: 64 * MB,
    min: 64 * 1024,
    max: 4 * GB,
  }),
  maxLogQueue: size({
    group: 'persistence',
    doc: 'Changes of one shard that may wait for the disk; with more, writes are refused as overloaded.',
    default: 64 * MB,
    min: MB,
    max: 4 * GB,
  }),
} as const;
