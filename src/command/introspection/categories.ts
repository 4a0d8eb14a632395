import type { CommandFlag } from '../command-row.ts';
import type { DescribedCommand } from '../control.ts';

/** Redis's ACL categories, in its order; commands are of those that fit them. */
export const categories = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
] as const;

/** Flags in the order Redis tells them in. */
const flagOrder: readonly CommandFlag[] = [
  'write',
  'readonly',
  'denyoom',
  'admin',
  'pubsub',
  'noscript',
  'loading',
  'stale',
  'skip_slowlog',
  'fast',
  'no_auth',
  'no_async_loading',
  'no_multi',
  'movablekeys',
  'allow_busy',
];

const ofGroups: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'string',
  generic: 'keyspace',
  cache: 'keyspace',
  connection: 'connection',
  transactions: 'transaction',
};

export function flagsOf({ flags }: DescribedCommand): readonly CommandFlag[] {
  return flagOrder.filter((flag) => flags.includes(flag));
}

/** Without the `@`. */
export function categoriesOf({ kind, flags, group, categories: more = [] }: DescribedCommand): readonly string[] {
  const own = new Set<string>(more);
  const ofGroup = ofGroups[group];
  if (kind !== 'container' && ofGroup !== undefined) own.add(ofGroup);
  if (flags.includes('write')) own.add('write');
  if (flags.includes('readonly')) own.add('read');
  if (flags.includes('pubsub')) own.add('pubsub');
  if (flags.includes('admin')) own.add('admin').add('dangerous');
  own.add(flags.includes('fast') ? 'fast' : 'slow');
  return categories.filter((category) => own.has(category));
}
