import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HEADER_BYTES } from '../../../src/persistence/file-header.ts';
import { FRAME_HEAD_BYTES, frameBodyBytes } from '../../../src/persistence/frame.ts';
import {
  type Contents,
  contentsAfter,
  type Deed,
  type Files,
  keptFiles,
  RecoveringShard,
  type Recovery,
  TestFolder,
} from '../../kept-shard.ts';

const STORE = Uint8Array.from({ length: 16 }, (_, index) => 200 - index * 7);
const NOW_MS = 1_800_000_000_000;
const SNAPSHOT_FROM = 30;
const SNAPSHOT_END = 38;

/** Every kind of record, on few keys, so that what is done twice or left out shows. */
const deeds: readonly Deed[] = Array.from({ length: 60 }, (_, index): Deed => {
  const key = `key:${(index * 7) % 13}`;
  if (index % 11 === 5) return { do: 'remove', key };
  if (index % 13 === 7) return { do: 'expire', key, expiresAtMs: index % 2 === 0 ? NOW_MS + index : NOW_MS - index };
  if (index % 29 === 20) return { do: 'clear', key };
  const expiresAtMs = index % 5 === 0 ? NOW_MS + 1000 + index : index % 17 === 3 ? NOW_MS - 1 : 0;
  return { do: 'put', key, value: `value ${index} ${'x'.repeat(index % 10)}`, expiresAtMs };
});

const whole = contentsAfter(deeds, deeds.length, NOW_MS);
/** What there was after so many deeds, by its text. */
const prefixes = new Map<string, number>();
for (let count = 0; count <= deeds.length; count++) prefixes.set(textOf(contentsAfter(deeds, count, NOW_MS)), count);

function textOf(contents: Contents): string {
  return JSON.stringify([...contents].sort(([a], [b]) => (a < b ? -1 : 1)));
}

let variants = 0;

/** Has the shard read the files, and be read again after it has tidied up; both have to come to the same. */
function recoverTwice(shard: RecoveringShard, folder: TestFolder, files: Files): Recovery {
  folder.fill(files);
  const first = shard.recover(STORE, [folder.path]);
  // It makes a difference to few, and costs as much as the first time.
  if ('refusal' in first || variants++ % 5 !== 0) return first;
  const second = shard.recover(STORE, [folder.path]);
  if ('refusal' in second) throw new Error('what was tidied up is refused', { cause: second.refusal });
  if (textOf(second.contents) !== textOf(first.contents)) throw new Error('what was tidied up is something else');
  if (second.recovered.tornBytes !== 0 || second.recovered.next !== first.recovered.next) {
    throw new Error('a torn end is still there');
  }
  return first;
}

/** A refusal says where, and what can be done. */
function checkRefusal(t: ExecutionContext, recovery: Recovery, path: RegExp, title: string): void {
  if (!('refusal' in recovery)) {
    t.fail(`${title}: it is not noticed`);
    return;
  }
  const { refusal } = recovery;
  if (!path.test(refusal.path)) t.fail(`${title}: it names ${refusal.path}`);
  if (!refusal.message.includes(refusal.path)) t.fail(`${title}: ${refusal.message}`);
  if (!refusal.message.includes('fluxcache repair')) t.fail(`${title} does not say what to do: ${refusal.message}`);
}

/** Deeds that are whole in a log's segment cut to `length`, by the bounds of its frames. */
function recordsWithin(bytes: Uint8Array, length: number): number {
  let count = 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = HEADER_BYTES; at + FRAME_HEAD_BYTES <= length; ) {
    const end = at + FRAME_HEAD_BYTES + frameBodyBytes(bytes, at);
    if (end > length) break;
    count += view.getUint32(at + 12, true);
    at = end;
  }
  return count;
}

function withBytes(files: Files, name: string, bytes: Uint8Array | null): Files {
  const changed = new Map(files);
  if (bytes === null) changed.delete(name);
  else changed.set(name, bytes);
  return changed;
}

function hexOf(files: Files): ReadonlyMap<string, string> {
  return new Map([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]));
}

interface Fixture {
  readonly shard: RecoveringShard;
  readonly folder: TestFolder;
  readonly files: Files;
  readonly snapshot: string;
  readonly logs: readonly string[];
}

function fixture(t: ExecutionContext, { isClosed }: { isClosed: boolean }): Fixture {
  const shard = new RecoveringShard({ clock: { nowMs: () => NOW_MS } });
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  const files = keptFiles(STORE, deeds, { snapshotFrom: SNAPSHOT_FROM, snapshotEnd: SNAPSHOT_END, isClosed });
  const names = [...files.keys()].sort();
  const logs = names.filter((name) => name.startsWith('log'));
  const snapshot = names.find((name) => name.startsWith('snapshot')) as string;
  t.true(logs.length > 2, 'several segments');
  const recovery = recoverTwice(shard, folder, files);
  t.deepEqual('contents' in recovery ? textOf(recovery.contents) : recovery.refusal.message, textOf(whole));
  return { shard, folder, files, snapshot, logs };
}

for (const isClosed of [true, false]) {
  const how = isClosed ? 'stopped' : 'killed';
  test(`cut at any byte, a file of a node that was ${how} gives what was acknowledged before, or a refusal`, (t) => {
    const { shard, folder, files, snapshot, logs } = fixture(t, { isClosed });
    const last = logs.at(-1) as string;
    const before = logs.slice(0, -1).map((name) => files.get(name) as Uint8Array);
    const countBefore = before.reduce((sum, bytes) => sum + recordsWithin(bytes, bytes.length), SNAPSHOT_FROM);
    for (const [name, bytes] of files) {
      for (let length = 0; length < bytes.length; length++) {
        const title = `${name} of ${bytes.length} bytes cut at ${length}`;
        const recovery = recoverTwice(shard, folder, withBytes(files, name, bytes.slice(0, length)));
        if (name === snapshot) {
          checkRefusal(t, recovery, /snapshot/, title);
          continue;
        }
        const isLast = name === last;
        // The mark that another segment follows is all that may be missing of one that is followed.
        const isWhole = recordsWithin(bytes, length) === recordsWithin(bytes, bytes.length);
        if (!isLast && !isWhole) {
          checkRefusal(t, recovery, /log-/, title);
          continue;
        }
        if (isLast && length < HEADER_BYTES) {
          // The file before says that there is another.
          checkRefusal(t, recovery, /log-/, title);
          continue;
        }
        const count = isLast ? countBefore + recordsWithin(bytes, length) : deeds.length;
        if ('refusal' in recovery) t.fail(`${title}: ${recovery.refusal.message}`);
        else if (textOf(recovery.contents) !== textOf(contentsAfter(deeds, count, NOW_MS))) {
          t.fail(`${title}: ${prefixes.get(textOf(recovery.contents)) ?? 'none'} instead of ${count}`);
        }
      }
    }
    t.pass();
  });
}

test('with any byte changed, a node gives all that was acknowledged, or refuses and names the file', (t) => {
  const { shard, folder, files, logs } = fixture(t, { isClosed: true });
  let accepted = 0;
  let refused = 0;
  for (const [name, bytes] of files) {
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ (1 << ((at * 5) % 8));
      const recovery = recoverTwice(shard, folder, withBytes(files, name, changed));
      if ('refusal' in recovery) {
        refused++;
        if (!recovery.refusal.path.includes(name)) t.fail(`${name} at ${at}: ${recovery.refusal.message}`);
        const { offset } = recovery.refusal;
        if (offset !== null && offset > at) t.fail(`${name} at ${at}: it names ${offset}`);
        checkRefusal(t, recovery, /(log|snapshot)-/, `${name} changed at ${at}`);
        continue;
      }
      accepted++;
      if (textOf(recovery.contents) !== textOf(whole)) t.fail(`${name} changed at ${at}: something else is read`);
    }
  }
  // Of each segment the mark at its end is of no matter, which says that it is followed, or what is on the disk.
  t.is(accepted, logs.length * FRAME_HEAD_BYTES);
  t.true(refused > 1000);
});

test('with bytes changed that were never synced, what was acknowledged before them is there', (t) => {
  const { shard, folder, files, logs } = fixture(t, { isClosed: false });
  const last = logs.at(-1) as string;
  const bytes = files.get(last) as Uint8Array;
  // Under always all of it was synced, but the last frame is the only one that nothing behind it tells of.
  let lastFrame = HEADER_BYTES;
  for (let at = HEADER_BYTES; at < bytes.length; at += FRAME_HEAD_BYTES + frameBodyBytes(bytes, at)) lastFrame = at;
  for (let at = HEADER_BYTES; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] as number) ^ 1;
    const recovery = recoverTwice(shard, folder, withBytes(files, last, changed));
    if (at < lastFrame) checkRefusal(t, recovery, /log-/, `changed at ${at}`);
    else if ('refusal' in recovery) t.fail(`changed at ${at}: ${recovery.refusal.message}`);
    else {
      const count = prefixes.get(textOf(recovery.contents)) ?? -1;
      if (count < deeds.length - 3) t.fail(`changed at ${at}: ${count}`);
    }
  }
  t.pass();
});

test('every missing file is noticed', (t) => {
  const { shard, folder, files } = fixture(t, { isClosed: true });
  for (const name of files.keys()) {
    checkRefusal(t, recoverTwice(shard, folder, withBytes(files, name, null)), /./, `${name} missing`);
  }
  const recovery = recoverTwice(shard, folder, new Map());
  checkRefusal(t, recovery, /./, 'all files missing');
});

test('what a crash leaves beside the files is of no matter, and is removed', (t) => {
  const { shard, folder, files, snapshot } = fixture(t, { isClosed: true });
  const older = keptFiles(STORE, deeds.slice(0, 25), { snapshotFrom: 20 });
  const beside = new Map([...older, ...files, [`${snapshot}.tmp`, new Uint8Array(100)]]);
  const recovery = recoverTwice(shard, folder, beside);
  t.is('contents' in recovery ? textOf(recovery.contents) : recovery.refusal.message, textOf(whole));
  t.deepEqual([...folder.files().keys()].sort(), [...files.keys()].sort());
});

test('what others put beside the files is left alone, and a folder in the place of a file is named', (t) => {
  const { shard, folder, files, logs } = fixture(t, { isClosed: true });
  const [log = ''] = logs;
  const beside = new Map([...files, [`${log}.bak`, new Uint8Array(10)], ['notes.tmp', new Uint8Array(10)]]);
  const recovery = recoverTwice(shard, folder, beside);
  t.is('contents' in recovery ? textOf(recovery.contents) : recovery.refusal.message, textOf(whole));
  t.deepEqual([...folder.files().keys()].sort(), [...beside.keys()].sort());

  const made = join(folder.path, 'log-0000000000000999.fxl');
  mkdirSync(made);
  const refused = shard.recover(STORE, [folder.path]);
  t.true('refusal' in refused && refused.refusal.message.startsWith(`${made}: it cannot be read: EISDIR`));
  rmdirSync(made);
});

test('files of another store, of another name or of another version are refused', (t) => {
  const { shard, folder, files, logs, snapshot } = fixture(t, { isClosed: true });
  const other = keptFiles(
    STORE.map((byte) => byte ^ 1),
    deeds,
    { snapshotFrom: SNAPSHOT_FROM },
  );
  const [first = '', second = ''] = logs;
  const cases: Readonly<Record<string, Files>> = {
    'another store': withBytes(files, first, other.get(first) as Uint8Array),
    'another name': withBytes(files, second, files.get(first) as Uint8Array),
    'a snapshot that is a log': withBytes(files, snapshot, files.get(first) as Uint8Array),
    'another version': withBytes(
      files,
      first,
      (files.get(first) as Uint8Array).map((byte, at) => (at === 7 ? 9 : byte)),
    ),
  };
  for (const [title, changed] of Object.entries(cases)) {
    folder.fill(changed);
    const recovery = shard.recover(STORE, [folder.path]);
    t.true('refusal' in recovery, title);
    t.deepEqual(hexOf(folder.files()), hexOf(changed), `${title}: nothing is touched`);
  }
});
