import { type CommandDeclaration, type ConnectionCommand, type NodeCommand, noKeys } from '../command.ts';
import type { ControlPort, SnapshotsPort } from '../control.ts';
import { isWord, syntaxError } from '../options.ts';
import type { ReplyWriter } from '../reply.ts';
import { snapshotFailure, snapshotsOrRefusal } from './snapshot-refusal.ts';

type Run = NodeCommand['run'];

/** Null: none can be made, which is written. */
function readySnapshots({ snapshots }: ControlPort, reply: ReplyWriter): SnapshotsPort | null {
  const found = snapshotsOrRefusal(snapshots);
  if (!('code' in found)) return found;
  reply.error(found.code, found.message);
  return null;
}

/** Makes a snapshot and then does `onDone`, or writes why it could not. */
export function save(control: ControlPort, reply: ReplyWriter, onDone: () => void): Promise<void> | undefined {
  const snapshots = readySnapshots(control, reply);
  if (snapshots === null) return undefined;
  return snapshots.take().then((taken) => {
    if (taken.kind === 'done') {
      onDone();
      return;
    }
    const { code, message } = snapshotFailure(taken.reason);
    reply.error(code, message);
  });
}

/** As in Redis, not beside one that is being made. */
const saveNow: ConnectionCommand['run'] = ({ node: { control } }, _args, reply) => {
  if (control.snapshots?.isRunning !== true) return save(control, reply, () => reply.ok());
  reply.error('conflict', 'Background save already in progress');
  return undefined;
};

const saveInBackground: Run = ({ control }, args, reply) => {
  const isScheduled = args.count === 1 && isWord(args, 0, 'SCHEDULE');
  if (args.count > 0 && !isScheduled) {
    syntaxError(reply);
    return;
  }
  const snapshots = readySnapshots(control, reply);
  if (snapshots === null) return;
  if (snapshots.isRunning && !isScheduled) reply.error('conflict', 'Background save already in progress');
  else {
    reply.status(snapshots.isRunning ? 'Background saving scheduled' : 'Background saving started');
    // Who asks is answered; the log of the node, INFO and LASTSAVE tell what comes of it.
    void snapshots.take();
  }
};

/** A snapshot is what lets the log begin anew. */
const rewriteLog: Run = ({ control }, _args, reply) => {
  const snapshots = readySnapshots(control, reply);
  if (snapshots === null) return;
  reply.status(`Background append only file rewriting ${snapshots.isRunning ? 'scheduled' : 'started'}`);
  void snapshots.take();
};

/** What Redis answers when nothing was ever saved: the time it was started. */
const lastSave: Run = ({ control: { snapshots, startedAtMs } }, _args, reply) => {
  const lastAtMs = snapshots?.lastAtMs ?? 0;
  reply.integer(Math.floor((lastAtMs === 0 ? startedAtMs : lastAtMs) / 1000));
};

const row = {
  kind: 'node',
  arity: 1,
  keys: noKeys,
  group: 'server',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of keys',
  syntax: '',
} as const;

export const persistenceCommands: readonly CommandDeclaration[] = [
  {
    ...row,
    kind: 'connection',
    name: 'save',
    flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],
    inTransaction: 'refused',
    summary: 'Makes a snapshot of all keys on the disk, and answers when it is there. Others are served meanwhile.',
    run: saveNow,
  },
  {
    ...row,
    name: 'bgsave',
    arity: -1,
    flags: ['admin', 'noscript', 'no_async_loading'],
    summary: 'Has a snapshot of all keys made on the disk. SCHEDULE: behind one that is being made.',
    complexity: 'O(1)',
    syntax: '[SCHEDULE]',
    run: saveInBackground,
  },
  {
    ...row,
    name: 'bgrewriteaof',
    flags: ['admin', 'noscript', 'no_async_loading'],
    summary: 'As BGSAVE: a snapshot takes the place of the log before it.',
    complexity: 'O(1)',
    run: rewriteLog,
  },
  {
    ...row,
    name: 'lastsave',
    flags: ['loading', 'stale', 'fast'],
    categories: ['admin', 'dangerous'],
    summary: 'Returns when the last snapshot was made, or else the node started, in seconds since the epoch.',
    complexity: 'O(1)',
    run: lastSave,
  },
];
