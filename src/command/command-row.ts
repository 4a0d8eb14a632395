/** What COMMAND INFO tells of a command, by Redis's names where Redis has the flag. */
export type CommandFlag =
  | 'readonly'
  | 'write'
  | 'denyoom'
  | 'fast'
  | 'admin'
  | 'pubsub'
  | 'loading'
  | 'stale'
  | 'noscript'
  | 'skip_slowlog'
  /** May be run before credentials were shown. */
  | 'no_auth'
  | 'allow_busy'
  /** May not be queued by MULTI. */
  | 'no_multi'
  | 'no_async_loading'
  | 'movablekeys'
  /** Not offered to clients: a step of another command, or a front end's own way to the store. */
  | 'internal';

export type CommandGroup =
  | 'string'
  | 'number'
  | 'generic'
  | 'cache'
  | 'json'
  | 'server'
  | 'connection'
  | 'transactions'
  | 'pubsub'
  | 'internal';

/**
 * Which arguments are keys: `first`, `first + step`, … up to `last`, counted from 0 for the first after the command's
 * name; a negative `last` counts from the end (-1 is the last argument). `step` 0: the command has no keys.
 */
export interface KeyPositions {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

/**
 * The entry is read (RO), read and written (RW), overwritten (OW) or removed (RM); and what becomes of its value: told
 * to the client, changed, made where there was none, or removed.
 */
export type KeyFlag = 'RO' | 'RW' | 'OW' | 'RM' | 'access' | 'update' | 'insert' | 'delete' | 'variable_flags';

export const noKeys: KeyPositions = { first: 0, last: 0, step: 0 };
export const firstKey: KeyPositions = { first: 0, last: 0, step: 1 };

/**
 * How the replies of several shards become one, when a command's keys are of several shards. Each shard gets the
 * command with its own keys only, in argument order, and the arguments before and behind the keys. The first error of
 * any shard is the whole command's reply.
 * - single: there is one key, so one shard
 * - sum: integers, added
 * - by-key: arrays with one element a key, put together in the order of the keys in the command
 * - all-ok: one of them (all are OK)
 * - one-shard: keys of several shards are refused with `cross-slot` before anything is run
 */
export type Gather = 'single' | 'sum' | 'by-key' | 'all-ok' | 'one-shard';

export interface CommandRow {
  /** Lower case; a subcommand's is its container's, a bar, and its own: `memory|usage`. */
  readonly name: string;
  /** As Redis counts: the name included; negative when more arguments may follow. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  readonly keys: KeyPositions;
  readonly group: CommandGroup;
  /** Redis's ACL categories of the command that its flags do not tell: `keyspace`, `dangerous`. */
  readonly categories?: readonly string[];
  /** What is done with the keys, in Redis's words for COMMAND INFO, where the command's kind does not tell. */
  readonly keyFlags?: readonly KeyFlag[];
  /** What CLIENT PAUSE does with it where its flags do not tell: it runs all the same, or is held back as a write is. */
  readonly whilePaused?: 'runs' | 'as-write';
  /** May be run in RESP2 by a connection that is subscribed: its reply has the shape of a message, or is its last. */
  readonly whileSubscribed?: 'runs';
  /** What CLIENT CACHING said of the next command stands for the one after this. */
  readonly keepsCaching?: true;
  /** The version of Redis (of RedisJSON for json.*) that brought the command; FluxCache's where Redis has none. */
  readonly since: string;
  readonly summary: string;
  readonly complexity: string;
  /** The arguments in the notation of Redis's reference: `key [NX | XX] [EX seconds]`. */
  readonly syntax: string;
}
