import { choice, integer, size } from './kinds.ts';

const MB = 2 ** 20;
const GB = 2 ** 30;

/** Arenas are one SharedArrayBuffer each, which Node.js 20 can view all but a last bit of 4 GiB of. */
export const SHARD_BYTES_MAX = 4 * GB - MB;
export const SHARD_BYTES_MIN = 4 * MB;

/** The memory of keys, and the mailboxes of shards. */
export const memoryOptions = {
  maxMemory: size({
    group: 'memory',
    doc: 'Memory for entries, their index and all that belongs to them, over all shards.',
    default: 512 * MB,
    min: 16 * MB,
    max: 64 * SHARD_BYTES_MAX,
  }),
  eviction: choice({
    group: 'memory',
    doc: 'What leaves when memory is full: what is least used (flux), what expires soonest (volatile-ttl), or nothing, writes being refused (noeviction).',
    default: 'flux',
    of: ['flux', 'noeviction', 'volatile-ttl'],
  }),
  shards: integer({
    group: 'memory',
    doc: 'Shards, each a thread with its own part of the memory.',
    default: (machine) => Math.max(1, Math.min(64, machine.cores - 1)),
    defaultDoc: 'processors less one, at least 1',
    min: 1,
    max: 64,
  }),

  ringSize: size({
    group: 'mailboxes',
    doc: 'Size of each ring between the main thread and a shard.',
    default: 256 * 1024,
    min: 64 * 1024,
    max: 64 * MB,
    powerOfTwo: true,
  }),
  maxQueue: size({
    group: 'mailboxes',
    doc: 'Bytes of commands that wait in front of a full ring; further ones are refused as overloaded.',
    default: 64 * MB,
    min: 0,
    max: 4 * GB,
  }),
} as const;
