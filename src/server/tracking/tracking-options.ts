import type { Args } from '../../command/args.ts';
import { integerArg, isWord, syntaxError } from '../../command/options.ts';
import type { ReplyWriter } from '../../command/reply.ts';

/** What CLIENT TRACKING asks for. */
export interface TrackingOptions {
  readonly isOn: boolean;
  /** The connection that is to be told instead; 0 for none. */
  readonly redirectTo: number;
  readonly isBroadcast: boolean;
  readonly isOptIn: boolean;
  readonly isOptOut: boolean;
  readonly isNoLoop: boolean;
  /** It is told of tags and slots by name, rather than that everything may have changed. */
  readonly isScoped: boolean;
  /** Of one character a byte. */
  readonly prefixes: readonly string[];
}

/** Prefixes of one connection, and their bytes together: Redis has no limit. */
const prefixesMax = 1024;
const prefixBytesMax = 256 * 1024;

/**
 * Reads `TRACKING <ON | OFF> [option …]`; argument 0 is TRACKING. Null, with Redis's error written, when it is not right.
 * `isConnected` tells whether a connection of that number is there to be redirected to.
 */
export function trackingOptionsOf(
  args: Args,
  isConnected: (id: number) => boolean,
  reply: ReplyWriter,
): TrackingOptions | null {
  const found = {
    redirectTo: 0,
    isBroadcast: false,
    isOptIn: false,
    isOptOut: false,
    isNoLoop: false,
    isScoped: false,
  };
  const prefixes: string[] = [];
  for (let index = 2; index < args.count; index++) {
    const hasNext = index + 1 < args.count;
    if (hasNext && isWord(args, index, 'REDIRECT')) {
      if (found.redirectTo !== 0) {
        reply.error('syntax', 'A client can only redirect to a single other client');
        return null;
      }
      const id = integerArg(args, ++index, reply);
      if (Number.isNaN(id)) return null;
      if (!isConnected(id)) {
        reply.error('invalid-argument', 'The client ID you want redirect to does not exist');
        return null;
      }
      found.redirectTo = id;
    } else if (isWord(args, index, 'BCAST')) found.isBroadcast = true;
    else if (isWord(args, index, 'OPTIN')) found.isOptIn = true;
    else if (isWord(args, index, 'OPTOUT')) found.isOptOut = true;
    else if (isWord(args, index, 'NOLOOP')) found.isNoLoop = true;
    else if (isWord(args, index, 'SCOPED')) found.isScoped = true;
    else if (hasNext && isWord(args, index, 'PREFIX'))
      prefixes.push(Buffer.from(args.view(++index)).toString('latin1'));
    else {
      syntaxError(reply);
      return null;
    }
  }
  const isOn = isWord(args, 1, 'ON');
  if (!isOn && !isWord(args, 1, 'OFF')) {
    syntaxError(reply);
    return null;
  }
  return { ...found, isOn, prefixes };
}

/** Why these prefixes cannot be added to those a connection has; null when they can. A key must match one at most. */
export function prefixFault(added: readonly string[], present: Iterable<string>): string | null {
  // The first in the order of bytes is the one told of, as in Redis.
  const existing = [...present].sort();
  let bytes = 0;
  for (const prefix of existing) bytes += prefix.length;
  for (const prefix of added) bytes += prefix.length;
  if (existing.length + added.length > prefixesMax || bytes > prefixBytesMax) {
    return `too many prefixes: a connection may have ${prefixesMax}, of ${prefixBytesMax} bytes together`;
  }
  for (const [index, prefix] of added.entries()) {
    const other = existing.find((candidate) => overlap(prefix, candidate));
    if (other !== undefined) return overlapText(prefix, 'an existing prefix', other);
    const next = added.slice(index + 1).find((candidate) => overlap(prefix, candidate));
    if (next !== undefined) return overlapText(prefix, 'another provided prefix', next);
  }
  return null;
}

function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function overlapText(prefix: string, what: string, other: string): string {
  const quoted = (text: string): string =>
    Buffer.from(text, 'latin1')
      .toString('utf8')
      .replaceAll(/[\r\n]/g, ' ');
  return `Prefix '${quoted(prefix)}' overlaps with ${what} '${quoted(other)}'. Prefixes for a single client must not overlap.`;
}
