/**
 * Every error a client can be told, in one table; the function that makes a row says whose fault it is. A command that
 * fails writes one of these codes and a message to its reply; each front end finds here how its protocol says so. A test
 * holds this table and the reference together.
 */

interface ErrorRow {
  /** The number that stands for the code inside replies and mailboxes; never reused for another code. */
  readonly id: number;
  readonly httpStatus: number;
  /** The first word of a RESP error line; equal to Redis's where Redis has the same error. */
  readonly respPrefix: string;
  /** Whether the same request, sent again later, can succeed, and repeating it cannot apply it twice. */
  readonly retryable: boolean;
  /**
   * Whose fault it is. `nobody`: it tells how things stand, and is no trouble: no such key, a condition that does not hold,
   * another node that serves the key, a node that was told to stop.
   */
  readonly fault: 'asker' | 'node' | 'nobody';
  readonly summary: string;
}

export const errors = {
  // What the request says.
  'bad-request': asker(1, 400, 'ERR', false, 'The request cannot be understood.'),
  'unknown-command': asker(2, 400, 'ERR', false, 'There is no such command.'),
  arity: asker(3, 400, 'ERR', false, 'The command was given too few or too many arguments.'),
  syntax: asker(4, 400, 'ERR', false, 'An option is unknown, repeated, or contradicts another.'),
  'invalid-argument': asker(5, 400, 'ERR', false, 'An argument is not of the kind or in the range it must be.'),
  'invalid-json': asker(6, 400, 'ERR', false, 'A value that must be a JSON text is none.'),
  'invalid-path': asker(7, 400, 'ERR', false, 'A JSON path is not one of RFC 9535, or asks for more than is served.'),
  'too-deep': asker(8, 400, 'ERR', false, 'A JSON text nests deeper than the limit.'),
  'key-too-large': asker(9, 413, 'ERR', false, 'A key is longer than the limit.'),
  'value-too-large': asker(10, 413, 'ERR', false, 'A value, or what a command would make of it, is over the limit.'),
  'request-too-large': asker(11, 413, 'ERR', false, 'A request or its reply is over the limit.'),
  'cross-slot': asker(12, 400, 'CROSSSLOT', false, 'Keys that must be on one shard are on several.'),
  'transaction-aborted': asker(
    14,
    400,
    'EXECABORT',
    false,
    'A command of the transaction was refused when it was queued.',
  ),
  protocol: asker(13, 400, 'ERR', false, 'The bytes are not of the protocol spoken on this connection.'),
  'unsupported-protocol': asker(15, 400, 'NOPROTO', false, 'HELLO asks for a version of RESP that is not spoken.'),

  // What is stored.
  'wrong-type': asker(20, 409, 'WRONGTYPE', false, 'The key holds a value of a kind the command does not work on.'),
  'not-a-number': asker(21, 409, 'ERR', false, 'The stored value is not a number the command can work on.'),
  overflow: asker(22, 409, 'ERR', false, 'The result would not fit a signed 64-bit integer or a finite double.'),
  'no-such-key': nobody(23, 404, 'ERR', false, 'The key does not exist.'),
  'no-such-path': nobody(24, 404, 'ERR', false, 'The path finds nothing in the document.'),
  conflict: nobody(25, 409, 'ERR', false, 'A condition of the write does not hold.'),
  'precondition-failed': nobody(26, 412, 'ERR', false, 'A precondition of the request does not hold.'),
  'fill-lost': nobody(
    27,
    409,
    'FILLLOST',
    false,
    'The key does not bear the fill token: it was written, removed or invalidated since, or the time is over.',
  ),
  interrupted: nobody(28, 409, 'ERR', false, 'The client ended a command that takes long; a part of it was done.'),

  // What the node can do now.
  'out-of-memory': node(40, 507, 'OOM', true, 'The memory budget is used up and nothing may be evicted.'),
  overloaded: node(41, 503, 'TRYAGAIN', true, 'Too much work is queued; the command was not run.'),
  indeterminate: node(42, 500, 'ERR', false, 'A shard failed while it ran the command, which may have taken effect.'),
  'shutting-down': nobody(43, 503, 'ERR', true, 'The node is shutting down; the command was not run.'),
  'not-ready': node(44, 503, 'LOADING', true, 'The node is not ready to serve yet.'),
  'too-many-requests': node(45, 429, 'ERR', true, 'A limit on connections or requests is reached.'),
  'cluster-down': node(
    47,
    503,
    'CLUSTERDOWN',
    true,
    'This node is cut off from the cluster, or the key is without a node that serves it; the command was not run.',
  ),
  moved: nobody(48, 421, 'MOVED', true, 'Another node serves the key: the message names its slot and the node.'),
  'too-few-copies': node(49, 503, 'NOREPLICAS', true, 'Fewer copies are in sync than a write needs; it was not run.'),
  'try-again': node(50, 503, 'TRYAGAIN', true, 'The keys are on their way to another node; the command was not run.'),
  'disk-failed': node(
    51,
    507,
    'MISCONF',
    true,
    'The disk takes nothing, and writes that it does not have are refused.',
  ),
  internal: node(46, 500, 'ERR', false, 'A defect of FluxCache; the log says more.'),

  // Who asks.
  unauthenticated: asker(60, 401, 'NOAUTH', false, 'The request needs credentials.'),
  'wrong-password': asker(61, 401, 'WRONGPASS', false, 'The credentials are not right, or the user is disabled.'),
  forbidden: asker(62, 403, 'NOPERM', false, 'The user may not run the command, or not on this key.'),
  'forbidden-origin': asker(63, 403, 'ERR', false, 'A page of another origin may not change anything.'),
  'misdirected-host': asker(64, 421, 'ERR', false, 'The Host header names a host this node does not answer for.'),

  // How it was asked over HTTP.
  'not-found': asker(80, 404, 'ERR', false, 'There is nothing at this path.'),
  'method-not-allowed': asker(81, 405, 'ERR', false, 'The path does not take this method.'),
  'unsupported-media-type': asker(82, 415, 'ERR', false, 'The Content-Type is not one the path takes.'),
  'request-timeout': asker(83, 408, 'ERR', true, 'The request did not arrive within the time limit.'),
  'uri-too-long': asker(86, 414, 'ERR', false, 'The path and query are longer than the limit.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errors;

/** What dashboards and alerts count as errors of a node. */
export const nodeFaults: readonly ErrorCode[] = (Object.keys(errors) as ErrorCode[]).filter(
  (code) => errors[code].fault === 'node',
);

const codesById = new Map<number, ErrorCode>();
for (const code of Object.keys(errors) as ErrorCode[]) codesById.set(errors[code].id, code);

/** The code a reply's number stands for; 'internal' for a number this version does not know. */
export function errorCodeOf(id: number): ErrorCode {
  return codesById.get(id) ?? 'internal';
}

/** A fault of the world (a file, a socket, a limit of the machine), with what a caller needs to act on it. */
export class FluxError extends Error {
  override readonly name = 'FluxError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

type RowFields = Parameters<typeof row>;

function row(id: number, httpStatus: number, respPrefix: string, retryable: boolean, summary: string) {
  return { id, httpStatus, respPrefix, retryable, summary };
}

function asker(...fields: RowFields): ErrorRow {
  return { ...row(...fields), fault: 'asker' };
}

function node(...fields: RowFields): ErrorRow {
  return { ...row(...fields), fault: 'node' };
}

function nobody(...fields: RowFields): ErrorRow {
  return { ...row(...fields), fault: 'nobody' };
}
