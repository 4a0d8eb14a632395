import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { lockDirectory } from '../../../src/base/directory-lock-file.ts';
import { FRAME_HEAD_BYTES, frameBodyBytes } from '../../../src/persistence/frame.ts';
import { inspectFolder } from '../../../src/persistence/inspect-folder-file.ts';
import { repairFolder } from '../../../src/persistence/repair-folder-file.ts';
import { planRepair } from '../../../src/persistence/repair-plan.ts';
import { DataDirectory } from '../../../src/server/persistence/data-directory-file.ts';
import { openLog } from '../../kept-data.ts';
import {
  contentsAfter,
  type Deed,
  entriesAfter,
  type Files,
  keptFiles,
  RecoveringShard,
  TestFolder,
} from '../../kept-shard.ts';
import { runProgram } from '../cli/program.ts';

const STORE = Uint8Array.from({ length: 16 }, (_, index) => index * 11);
const FROM = 20;
const END = 26;
const deeds: readonly Deed[] = Array.from({ length: 50 }, (_, index): Deed => {
  const key = `key:${(index * 5) % 12}`;
  return index % 9 === 8 ? { do: 'remove', key } : { do: 'put', key, value: `value ${index}` };
});
const files = keptFiles(STORE, deeds, { snapshotFrom: FROM, snapshotEnd: END });
const logs = [...files.keys()].filter((name) => name.startsWith('log')).sort();
const snapshot = [...files.keys()].find((name) => name.startsWith('snapshot')) as string;

/** What could be read of each key at any time: nothing else may ever be read. */
function wasEver(contents: ReadonlyMap<string, string>): boolean {
  for (const [key, text] of contents) {
    const number = Number(text.split(' ')[2]);
    const deed = deeds[number - 1];
    if (deed?.do !== 'put' || deed.key !== key || !text.startsWith(deed.value)) return false;
  }
  return true;
}

function sorted(contents: ReadonlyMap<string, string>): string {
  return JSON.stringify([...contents].sort());
}

function changedAt(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 4 : byte));
}

/** Repairs as far as may be, and answers what a start reads then. */
function repaired(t: ExecutionContext, changed: Files): ReadonlyMap<string, string> {
  const folder = new TestFolder();
  const aside = new TestFolder();
  t.teardown(() => {
    folder.end();
    aside.end();
  });
  folder.fill(changed);
  const report = inspectFolder(folder.path, STORE);
  const steps = planRepair(report);
  const asideFolder = join(aside.path, 'aside');
  const header = { shard: 0, shards: 1, storeId: STORE, begunAtMs: 1 };
  repairFolder({ folder: folder.path, asideFolder, header }, steps);
  const recovery = new RecoveringShard().recover(STORE, [folder.path]);
  if ('refusal' in recovery) throw recovery.refusal;
  // Whatever was changed or taken away is as it was beside.
  for (const [name, bytes] of changed) {
    const now = folder.files().get(name);
    if (now !== undefined && Buffer.compare(now, bytes) === 0) continue;
    const isTornOff = steps.length === 0 || !existsSync(join(asideFolder, name));
    if (isTornOff) continue;
    if (Buffer.compare(readFileSync(join(asideFolder, name)), bytes) !== 0) t.fail(`${name} is not kept aside`);
  }
  return recovery.contents;
}

test('whatever byte is changed, and whatever file is cut or missing, a repaired folder is read, and holds what once was', (t) => {
  let variants = 0;
  const check = (title: string, changed: Files): void => {
    variants++;
    let contents: ReadonlyMap<string, string>;
    try {
      contents = repaired(t, changed);
    } catch (error) {
      t.fail(`${title}: ${String(error)}`);
      return;
    }
    if (!wasEver(contents)) t.fail(`${title}: ${sorted(contents)}`);
  };
  for (const [name, bytes] of files) {
    for (let at = 0; at < bytes.length; at += 3) {
      check(`${name} changed at ${at}`, new Map([...files, [name, changedAt(bytes, at)]]));
      check(`${name} cut at ${at}`, new Map([...files, [name, bytes.slice(0, at)]]));
    }
  }
  // Every set of missing files.
  const names = [...files.keys()];
  for (let set = 0; set < 2 ** names.length; set++) {
    check(`set ${set} missing`, new Map([...files].filter(([name]) => (set & (1 << names.indexOf(name))) === 0)));
  }
  t.true(variants > 300);
});

test('a log that is damaged in the middle ends there, and has all that was before', (t) => {
  const [, second = ''] = logs;
  const bytes = files.get(second) as Uint8Array;
  const contents = repaired(t, new Map([...files, [second, changedAt(bytes, 64 + FRAME_HEAD_BYTES)]]));
  const before = Number(/\d+/.exec(second)?.[0] ?? 0) - 1;
  t.true(before >= END);
  t.is(sorted(contents), sorted(contentsAfter(deeds, before, 0)));
});

test('of a damaged snapshot all but the entries of the damaged place are kept', (t) => {
  const bytes = files.get(snapshot) as Uint8Array;
  const second = 64 + FRAME_HEAD_BYTES + frameBodyBytes(bytes, 64);
  const contents = repaired(t, new Map([...files, [snapshot, changedAt(bytes, second + FRAME_HEAD_BYTES + 4)]]));
  const whole = contentsAfter(deeds, deeds.length, 0);
  for (const [key, text] of contents) t.true(whole.get(key) === text, key);
  t.true(contents.size > 0);
});

test('a snapshot whose log is lost is taken as it is', (t) => {
  const contents = repaired(t, new Map([[snapshot, files.get(snapshot) as Uint8Array]]));
  t.true(contents.size >= entriesAfter(deeds, FROM).size - 2);
  t.true(wasEver(contents));
});

/** A node's directory with two shards, each with the same files, and a change to one. */
function dataDir(t: ExecutionContext, change: (folder: string) => void): string {
  const path = mkdtempSync(join(tmpdir(), 'fluxcache-repair-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  const directory = new DataDirectory({ dataDir: path, partitions: 64, shards: 2 });
  directory.adopt();
  const { folders, storeId } = directory;
  for (const [shard, folder] of folders.entries()) {
    const kept = keptFiles(storeId, deeds, { snapshotFrom: FROM, snapshotEnd: END, shard, shards: 2 });
    for (const [name, bytes] of kept) writeFileSync(join(folder, name), bytes);
  }
  change(folders[1] as string);
  return path;
}

function treeOf(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return `${file} ${readFileSync(file).toString('hex')}`;
    })
    .sort();
}

test('fluxcache repair shows what is there, changes nothing unasked, and makes it startable when asked', async (t) => {
  const path = dataDir(t, (folder) => {
    const log = join(folder, logs[1] as string);
    writeFileSync(log, changedAt(readFileSync(log), 100));
  });
  const before = treeOf(path);
  const shown = await runProgram(['repair', path]);
  t.is(shown.code, 1, shown.stderr);
  t.regex(shown.stdout, /shard 0[\s\S]*whole: a start reads \d+ entries and \d+ records[\s\S]*shard 1/);
  t.regex(shown.stdout, new RegExp(`${logs[1]} .*DAMAGED at byte \\d+`));
  t.regex(shown.stdout, /NOT WHOLE: .*log-\d+\.fxl at byte \d+/);
  t.regex(shown.stdout, /--truncate: .*changes from number \d+ on are lost/);
  t.regex(shown.stdout, /Nothing was changed\. With --truncate/);
  t.deepEqual(treeOf(path), before);

  const wrong = await runProgram(['repair', path, '--salvage']);
  t.is(wrong.code, 1);
  t.deepEqual(treeOf(path), before);

  const done = await runProgram(['repair', path, '--truncate']);
  t.is(done.code, 0, done.stdout + done.stderr);
  const [aside = ''] = readdirSync(join(path, 'keys')).filter((name) => name.startsWith('aside-'));
  t.deepEqual(readdirSync(join(path, 'keys', aside)), ['shard-001']);
  const after = await runProgram(['repair', path]);
  t.is(after.code, 0, after.stdout);
  t.notThrows(() => new DataDirectory({ dataDir: path, partitions: 64, shards: 2 }));
});

test('fluxcache repair writes a missing manifest anew, and a folder that is missing', async (t) => {
  const path = dataDir(t, (folder) => rmSync(folder, { recursive: true }));
  const manifest = join(path, 'keys', 'manifest.json');
  const text = readFileSync(manifest, 'utf8');
  rmSync(manifest);
  const shown = await runProgram(['repair', path]);
  t.is(shown.code, 1);
  t.regex(shown.stderr, /manifest\.json: it is missing\. With --manifest it is written anew: 2 shards, 64 partitions/);
  const done = await runProgram(['repair', path, '--manifest', '--truncate']);
  t.is(done.code, 0, done.stdout + done.stderr);
  t.is(readFileSync(manifest, 'utf8'), text);
  t.regex(done.stdout, /the keys of this shard are lost/);
});

test('a manifest that is damaged is copied aside before it is written anew', async (t) => {
  const path = dataDir(t, () => undefined);
  const manifest = join(path, 'keys', 'manifest.json');
  const damaged = readFileSync(manifest, 'utf8').replace('"partitions": 64', '"partitions": 32');
  writeFileSync(manifest, damaged);
  const done = await runProgram(['repair', path, '--manifest']);
  t.is(done.code, 0, done.stdout + done.stderr);
  const [aside = ''] = readdirSync(join(path, 'keys')).filter((name) => name.startsWith('aside-'));
  t.is(readFileSync(join(path, 'keys', aside, 'manifest.json'), 'utf8'), damaged);
  t.true(done.stdout.includes(aside));
});

test('what others have put beside the folders of shards keeps nobody from reading a lost manifest off the files', async (t) => {
  const path = dataDir(t, () => undefined);
  const manifest = join(path, 'keys', 'manifest.json');
  const text = readFileSync(manifest, 'utf8');
  rmSync(manifest);
  writeFileSync(join(path, 'keys', 'generation-1', 'README'), 'hi');
  t.throws(() => new DataDirectory({ dataDir: path, partitions: 64, shards: 2 }), {
    message: /manifest\.json is missing beside the keys it is about\. .*fluxcache repair/,
  });
  const done = await runProgram(['repair', path, '--manifest']);
  t.is(done.code, 0, done.stdout + done.stderr);
  t.is(readFileSync(manifest, 'utf8'), text);
});

test('of a folder that is missing it is told once what that costs, and not that anything was copied', async (t) => {
  const path = dataDir(t, (folder) => rmSync(folder, { recursive: true }));
  const shown = await runProgram(['repair', path]);
  t.deepEqual(shown.stdout.match(/--truncate: .*/g), [
    '--truncate: its folder is missing, and is made anew: the log begins anew in it, and the keys of this shard are lost',
  ]);
  const done = await runProgram(['repair', path, '--truncate']);
  t.is(done.code, 0, done.stdout + done.stderr);
  t.notRegex(done.stdout, /before is in/);
  t.false(readdirSync(join(path, 'keys')).some((name) => name.startsWith('aside-')));
});

test('what copies of a cluster have written down is not taken for damage', (t) => {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  const log = openLog(folder.path, STORE);
  log.add(3, Uint8Array.of(0x92, 0xff, 0xff, 0xff), 0, 4, true);
  log.commit();
  log.close();
  t.regex(inspectFolder(folder.path, STORE).refusal?.message ?? '', /none that this version writes/);
  const { refusal, recovered } = inspectFolder(folder.path, STORE, 'copies');
  t.is(refusal, null);
  t.is(recovered?.records, 1);
});

test('fluxcache repair refuses while a node has the directory, and says what is wrong with its command line', async (t) => {
  const path = dataDir(t, () => undefined);
  const unlock = await lockDirectory(join(path, 'keys'), 'keys.lock');
  const locked = await runProgram(['repair', path]);
  await unlock();
  t.is(locked.code, 1);
  t.regex(locked.stderr, /is in use by process \d+ .*Stop the node/);
  mkdirSync(join(path, 'empty'));
  const cases = [
    { args: ['repair'], code: 2, text: /needs the data directory/ },
    { args: ['repair', path, '--truncat'], code: 2, text: /Did you mean --truncate/ },
    { args: ['repair', '--trunc', path], code: 2, text: /^(?!.*needs the data directory).*Did you mean --truncate\?/s },
    { args: ['repair', path, 'more'], code: 2, text: /takes one directory/ },
    { args: ['repair', join(path, 'empty')], code: 1, text: /there is no such folder/ },
  ];
  const ended = await Promise.all(cases.map(({ args }) => runProgram(args)));
  for (const [index, { code, text }] of cases.entries()) {
    t.is(ended[index]?.code, code);
    t.regex(ended[index]?.stderr ?? '', text);
  }
});
