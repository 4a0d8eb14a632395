import type { ClientPort } from '../connection.ts';

/** The line of one connection in CLIENT LIST and CLIENT INFO: Redis's fields, in its order, and its end of a line. */
export function clientLine(client: ClientPort, nowMs: number): string {
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', client.id],
    ['addr', client.address],
    ['laddr', client.localAddress],
    // Node.js does not tell the descriptor; Redis writes this for connections that have none.
    ['fd', -1],
    ['name', client.name],
    ['age', secondsBetween(client.connectedAtMs, nowMs)],
    ['idle', secondsBetween(client.lastCommandAtMs, nowMs)],
    ['flags', flagsOf(client)],
    ['db', 0],
    ['sub', client.channelCount],
    ['psub', client.patternCount],
    ['ssub', 0],
    ['multi', client.queuedCount],
    ['qbuf', client.inputBytes],
    ['qbuf-free', 0],
    ['argv-mem', 0],
    ['multi-mem', 0],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', client.outputBytes > 0 ? 1 : 0],
    ['omem', client.outputBytes],
    ['tot-mem', client.inputBytes + client.outputBytes],
    ['events', client.outputBytes > 0 ? 'rw' : 'r'],
    ['cmd', client.lastCommand === '' ? 'NULL' : client.lastCommand],
    ['user', client.userName],
    ['redir', client.redirectId],
    ['resp', client.resp],
    ['lib-name', client.libraryName],
    ['lib-ver', client.libraryVersion],
  ];
  return `${fields.map(([name, value]) => `${name}=${value}`).join(' ')}\n`;
}

/** Redis's letters: P subscribed, x in MULTI, t tracking, e not evicted, T does not touch keys, N none of these. */
function flagsOf(client: ClientPort): string {
  let flags = '';
  if (isSubscribed(client)) flags += 'P';
  if (client.queuedCount >= 0) flags += 'x';
  if (client.isTracking) flags += 't';
  if (client.isNoEvict) flags += 'e';
  if (client.isNoTouch) flags += 'T';
  return flags === '' ? 'N' : flags;
}

export function isSubscribed({ channelCount, patternCount }: ClientPort): boolean {
  return channelCount + patternCount > 0;
}

function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.floor((toMs - fromMs) / 1000));
}
