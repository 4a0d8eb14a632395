import type { ReadView, WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import type { CommandRow, Gather } from './command-row.ts';
import type { ConnectionPort } from './connection.ts';
import type { NodePort } from './node-port.ts';
import type { ReplyReader, ReplySink, ReplyWriter } from './reply.ts';

export {
  type CommandFlag,
  type CommandGroup,
  firstKey,
  type Gather,
  type KeyPositions,
  noKeys,
} from './command-row.ts';
export type { InfoSection, NodePort } from './node-port.ts';

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

/** Redis's names for what a command does to a key; see `eventNameOf`. */
interface WriteEvents {
  /** When it writes a value: `set` unless told otherwise. */
  readonly event?: string;
  /** When it removes the key: `del` unless told otherwise. */
  readonly removedEvent?: string;
}

/** How a survey is made of what single shards say, when each shard's actor runs it: within a transaction. */
export type SurveyParts =
  /** Integers, added. */
  | 'sum'
  /** Arrays, one behind the other. */
  | 'concat'
  /** One of them that is not null, at random. */
  | 'any'
  /** Only the shard that the cursor in argument 0 names is asked. */
  | 'cursor';

/** How a command waits that may be answered otherwise a little later. */
export interface Patience {
  /** How long the asker is willing to wait, in milliseconds; 0: not at all, also where the argument is malformed. */
  readonly waitMs: (args: Args) => number;
  /** Whether the reply, whose first part the reader stands on, is one to ask again after. Reads as far as it likes. */
  readonly isUnready: (reply: ReplyReader) => boolean;
}

/** Changes keys. Runs only in the actor of the keys' shard. */
export interface WriteCommand extends CommandRow, WriteEvents {
  readonly kind: 'write';
  readonly gather: Gather;
  /**
   * Name of an internal row of kind `read` with the same arguments, which a front end tries first, in shared memory: what
   * it replies is the reply, unless it is null. Only for commands of a single key.
   */
  readonly readFirst?: string;
  /**
   * Set where a front end asks again until it has another answer or the asker's time is over; later commands of the
   * connection wait. Within a transaction nothing waits.
   */
  readonly patience?: Patience;
  readonly run: (store: WriteView, args: Args, reply: ReplyWriter) => void;
}

/**
 * Changes two keys (arguments 0 and 1) that may be of two shards. On one shard it runs at once, as a write does. On
 * two, the dispatcher asks `start` for {@link Steps} and runs them one after the other.
 */
export interface PairCommand extends CommandRow, WriteEvents {
  readonly kind: 'pair';
  readonly run: (store: WriteView, args: Args, reply: ReplyWriter) => void;
  /** Copies what it needs of `args`, which may be refilled after the call. */
  readonly start: (args: Args) => Steps;
}

/**
 * Made of other commands, which a front end has run one after the other, each in a turn of the event loop of its own.
 * Others' commands run in between; those of the same connection wait.
 */
export interface SteppedCommand extends CommandRow {
  readonly kind: 'steps';
  /** As of a survey: the pattern of the keys that it touches. */
  readonly patternOf?: (args: Args) => Uint8Array | null;
  /** Copies what it needs of `args`, which may be refilled after the call. Steps are of any rows that shards run. */
  readonly start: (args: Args) => EndableSteps;
}

/** One command, step by step over several shards. Other commands may run on the same keys between two steps. */
export interface Steps {
  /**
   * Given the reply of the step before (null at first), returns the next step, or null when the command is done and its
   * reply is written to `reply`. When a step fails in a way it does not expect, its error is the command's reply.
   */
  next(previous: ReplyReader | null, reply: ReplyWriter): Step | null;
}

/** Steps that are of no use when whoever asked for them has gone. */
export interface EndableSteps extends Steps {
  /** In place of `next`: writes a reply that says how far it was. */
  end(previous: ReplyReader | null, reply: ReplyWriter): void;
}

export interface Step {
  /** Name of the row to run: a read or write with the single key `args[0]`, by way of that key's shard's mailbox. */
  readonly command: string;
  /** Valid until the next call of `next`. */
  readonly args: Args;
}

/** What a survey is told of the node: also in a shard's actor. */
export type SurveyNode = Pick<NodePort, 'random'>;

/** Reads all shards. Runs on a front end, which has a reader of each. */
export interface SurveyCommand extends CommandRow {
  readonly kind: 'survey';
  readonly parts: SurveyParts;
  /**
   * The pattern that all keys match of which the reply tells anything, as KEYS takes it; null: it may tell of any key.
   * Left out: of any, whatever its arguments are.
   */
  readonly patternOf?: (args: Args) => Uint8Array | null;
  /**
   * Does a bounded piece of the work and returns 0 when the reply is complete, else a number to be given to the next
   * call as `resume`, in a later turn of the event loop and with the same `reply` and arguments. `resume` is 0 at first.
   */
  readonly run: (
    views: readonly ReadView[],
    node: SurveyNode,
    args: Args,
    reply: ReplyWriter,
    resume: number,
  ) => number;
}

/** Changes all shards: runs in every shard's actor; the replies are gathered as `all-ok`. */
export interface SweepCommand extends CommandRow {
  readonly kind: 'sweep';
  /** In a cluster it is of all nodes also for clients that ask every node by themselves. */
  readonly isClusterWide?: true;
  readonly run: (store: WriteView, args: Args, reply: ReplyWriter) => void;
}

/** Writes the reply of a command that had to wait for it, to a writer that holds nothing. */
export type LateReply = (reply: ReplyWriter) => void;

/** Touches no shard. Runs on a front end. */
export interface NodeCommand extends CommandRow {
  readonly kind: 'node';
  readonly run:
    | ((node: NodePort, args: Args, reply: ReplyWriter) => void)
    /** A promise, which never rejects, when the reply has to wait for other nodes: nothing is written to `reply` then. */
    | ((node: NodePort, args: Args, reply: ReplyWriter) => undefined | Promise<LateReply>);
}

/** Looks at or changes the connection it came by. Runs on the front end that holds the connection, and only there. */
interface ConnectionRow extends CommandRow {
  readonly kind: 'connection';
  /**
   * Set where it changes nothing that replies under way depend on: it is run at once, without a promise. All others wait
   * until every command before them is answered.
   */
  readonly place?: 'in-order';
  /** Whether MULTI has it run at once, or refused; all others are queued. */
  readonly inTransaction?: 'at-once' | 'refused';
}

/** One that has its reply when it was run. It may be of several parts, one after the other, or of none. */
export interface ConnectionCommand extends ConnectionRow {
  readonly start?: undefined;
  /** When a promise is returned, the connection takes no further command before it is settled; then `reply` is sent. */
  readonly run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) => void | Promise<void>;
}

/** One that has shards do something. Further commands of the connection need not wait for its reply. */
export interface AskingCommand extends ConnectionRow {
  readonly run?: undefined;
  readonly place: 'in-order';
  /** A queue has no place for what answers later. */
  readonly inTransaction: 'at-once';
  /** `sink` gets one reply, now or in a later turn. `args` may be refilled after the call. */
  readonly start: (connection: ConnectionPort, args: Args, sink: ReplySink) => void;
}

/** A command that only has subcommands, which are rows of their own. */
export interface ContainerCommand extends CommandRow {
  readonly kind: 'container';
  /** Name of the row that is run when no subcommand is given; without it that is an error. */
  readonly bare?: string;
}

/** What is declared beside each command's function. */
export type CommandDeclaration =
  | ReadCommand
  | WriteCommand
  | PairCommand
  | SteppedCommand
  | SurveyCommand
  | SweepCommand
  | NodeCommand
  | ConnectionCommand
  | AskingCommand
  | ContainerCommand;

/** A row of the table: a declaration and its number. */
export type Command = CommandDeclaration & {
  /** Index in the table, the same in every thread of a process. */
  readonly id: number;
};
