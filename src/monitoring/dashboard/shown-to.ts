import { Args } from '../../command/args.ts';
import { commandTable } from '../../command/table.ts';
import type { AccessUser } from '../../server/access/rights.ts';
import type { AccessNews, Hello, KeyName, KeyspaceNews } from './feed.ts';

/** A read of no keys at all: who may run it may see what keys are read. */
const readCommand = commandTable.named('exists');
const noArgs = new Args();

export function mayRead(user: AccessUser): boolean {
  return user.denialOf(readCommand, noArgs) === null;
}

export function rightsOf(user: AccessUser): Hello['user'] {
  return { name: user.name, rights: (['read', 'write', 'admin'] as const).filter((right) => user.has(right)) };
}

/** What of it a user may see who may read: the keys that are his, and what is told of all keys only if all are. */
export function accessShownTo(user: AccessUser, news: AccessNews): AccessNews {
  if (user.mayUseAllKeys) return news;
  return { ...news, hot: news.hot.filter((key) => mayName(user, key)), prefixes: [] };
}

/** As {@link accessShownTo}. */
export function keyspaceShownTo(user: AccessUser, news: KeyspaceNews): KeyspaceNews {
  if (user.mayUseAllKeys) return news;
  return { ...news, largest: news.largest.filter((key) => mayName(user, key)), prefixes: [] };
}

/** Of a name that is shortened nobody can tell whether the whole of it would match. */
function mayName(user: AccessUser, { key, key64, shortened }: KeyName): boolean {
  if (shortened === true) return false;
  const bytes = key64 === undefined ? Buffer.from(key, 'utf8') : Buffer.from(key64, 'base64');
  return user.mayUseKey(bytes, 0, bytes.length);
}
