import type { Clock, Random } from '../base/ports.ts';
import type { ReadView, WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import type { ConnectionPort } from './connection.ts';
import type { ReplyReader, ReplyWriter } from './reply.ts';

/** What COMMAND INFO tells of a command, by Redis's names where Redis has the flag. */
export type CommandFlag =
  | 'readonly'
  | 'write'
  | 'denyoom'
  | 'fast'
  | 'admin'
  | 'loading'
  | 'stale'
  | 'noscript'
  | 'movablekeys'
  /** Not offered to clients: a step of another command, or a front end's own way to the store. */
  | 'internal';

export type CommandGroup = 'string' | 'number' | 'generic' | 'json' | 'server' | 'connection' | 'internal';

/**
 * Which arguments are keys: `first`, `first + step`, … up to `last`, counted from 0 for the first after the command's
 * name; a negative `last` counts from the end (-1 is the last argument). `step` 0: the command has no keys.
 */
export interface KeyPositions {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

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

interface CommandRow {
  /** Lower case; a subcommand's is its container's, a bar, and its own: `memory|usage`. */
  readonly name: string;
  /** As Redis counts: the name included; negative when more arguments may follow. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  readonly keys: KeyPositions;
  readonly group: CommandGroup;
  /** The version of Redis (of RedisJSON for json.*) that brought the command; FluxCache's where Redis has none. */
  readonly since: string;
  readonly summary: string;
  readonly complexity: string;
  /** The arguments in the notation of Redis's reference: `key [NX | XX] [EX seconds]`. */
  readonly syntax: string;
}

/** Reads keys. Runs on any thread that has a reader of the shard's memory, or in the shard. */
export interface ReadCommand extends CommandRow {
  readonly kind: 'read';
  readonly gather: Gather;
  /**
   * Set where the work grows with the value, by much more than a copy: a front end, whose event loop would wait for it,
   * leaves reads of values with more bytes to the shard.
   */
  readonly localValueBytesMax?: number;
  readonly run: (view: ReadView, args: Args, reply: ReplyWriter) => void;
}

/** Changes keys. Runs only in the actor of the keys' shard. */
export interface WriteCommand extends CommandRow {
  readonly kind: 'write';
  readonly gather: Gather;
  readonly run: (store: WriteView, args: Args, reply: ReplyWriter) => void;
}

/**
 * Changes two keys (arguments 0 and 1) that may be of two shards. On one shard it runs at once, as a write does. On
 * two, the dispatcher asks `start` for {@link Steps} and runs them one after the other.
 */
export interface PairCommand extends CommandRow {
  readonly kind: 'pair';
  readonly run: (store: WriteView, args: Args, reply: ReplyWriter) => void;
  /** Copies what it needs of `args`, which may be refilled after the call. */
  readonly start: (args: Args) => Steps;
}

/** One command, step by step over several shards. Other commands may run on the same keys between two steps. */
export interface Steps {
  /**
   * Given the reply of the step before (null at first), returns the next step, or null when the command is done and its
   * reply is written to `reply`. When a step fails in a way it does not expect, its error is the command's reply.
   */
  next(previous: ReplyReader | null, reply: ReplyWriter): Step | null;
}

export interface Step {
  /** Name of the row to run: a read or write with the single key `args[0]`, by way of that key's shard's mailbox. */
  readonly command: string;
  /** Valid until the next call of `next`. */
  readonly args: Args;
}

/** Reads all shards. Runs on a front end, which has a reader of each. */
export interface SurveyCommand extends CommandRow {
  readonly kind: 'survey';
  /**
   * Does a bounded piece of the work and returns 0 when the reply is complete, else a number to be given to the next
   * call as `resume`, in a later turn of the event loop and with the same `reply` and arguments. `resume` is 0 at first.
   */
  readonly run: (views: readonly ReadView[], node: NodePort, args: Args, reply: ReplyWriter, resume: number) => number;
}

/** Changes all shards: runs in every shard's actor; the replies are gathered as `all-ok`. */
export interface SweepCommand extends CommandRow {
  readonly kind: 'sweep';
  readonly run: (store: WriteView, args: Args, reply: ReplyWriter) => void;
}

/** Touches no shard. Runs on a front end. */
export interface NodeCommand extends CommandRow {
  readonly kind: 'node';
  readonly run: (node: NodePort, args: Args, reply: ReplyWriter) => void;
}

/** Looks at or changes the connection it came by. Runs on the front end that holds the connection, and only there. */
export interface ConnectionCommand extends CommandRow {
  readonly kind: 'connection';
  /** When a promise is returned, the connection takes no further command before it is settled; then `reply` is sent. */
  readonly run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) => void | Promise<void>;
}

/** A command that only has subcommands, which are rows of their own. */
export interface ContainerCommand extends CommandRow {
  readonly kind: 'container';
}

/** What is declared beside each command's function. */
export type CommandDeclaration =
  | ReadCommand
  | WriteCommand
  | PairCommand
  | SurveyCommand
  | SweepCommand
  | NodeCommand
  | ConnectionCommand
  | ContainerCommand;

/** A row of the table: a declaration and its number. */
export type Command = CommandDeclaration & {
  /** Index in the table, the same in every thread of a process. */
  readonly id: number;
};

/** What node commands are told of the node they run on. */
export interface NodePort {
  readonly clock: Clock;
  readonly random: Random;
  /** The sections of INFO in order. */
  readonly infoSections: readonly InfoSection[];
}

export interface InfoSection {
  /** As its heading says: `Server`, `Memory`. Asked for in any case. */
  readonly name: string;
  /** Whether INFO without arguments shows it. */
  readonly shownByDefault: boolean;
  fields(): Iterable<readonly [name: string, value: string | number]>;
}
