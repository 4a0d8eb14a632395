import { isKey } from './operation.ts';
import type { Key } from './values.ts';

/**
 * Commands that begin with a key; a test holds this against the table of commands. Any other is asked of a node that passes
 * on what is another's: nodes that redirect answer commands over all keys for their own part only.
 */
export const keyedCommands: ReadonlySet<string> = new Set(
  `append cancelfill copy decr decrby del delete entry exists expire expireat expiretime get getdel getentry getex
  getfill getrange getset incr incrby incrbyfloat json.arrappend json.arrlen json.clear json.del json.forget json.get
  json.merge json.mget json.numincrby json.objkeys json.objlen json.set json.strappend json.strlen json.toggle
  json.type mget mset msetnx persist pexpire pexpireat pexpiretime psetex pttl rename renamenx set setex setnx
  setrange strlen substr tags touch ttl type unlink`.split(/\s+/),
);
const keyedSubcommand = /^(object (encoding|freq|idletime|refcount)|memory usage)$/;

/** The first key of a command that was given by name; null when it has none, or is not known. */
export function keyOfCall(method: string, params: readonly unknown[]): Key | null {
  const [first, second] = params;
  const name = method.toLowerCase();
  if (keyedCommands.has(name) || keyedSubcommand.test(name)) return isKey(first) ? first : null;
  return keyedSubcommand.test(`${name} ${String(first).toLowerCase()}`) && isKey(second) ? second : null;
}
