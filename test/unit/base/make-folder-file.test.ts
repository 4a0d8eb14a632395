import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { makeFolder } from '../../../src/base/make-folder-file.ts';

test('a folder is made with those above it, and may be there already', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'fluxcache-folder-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const path = join(root, 'a', 'b', 'c');
  makeFolder(path);
  makeFolder(path);
  t.true(statSync(path).isDirectory());
});

test('a file in the way is named', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'fluxcache-folder-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const file = join(root, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'keys'), join(file, 'a', 'b')]) {
    t.throws(() => makeFolder(path), { message: `${file} is not a directory` });
  }
});

const testWithProc = existsSync('/proc/self') ? test : test.skip;

testWithProc('where the system has no folders to be made it is said, and ends', (t) => {
  t.throws(() => makeFolder('/proc/fluxcache/keys'), { code: 'ENOENT' });
});
