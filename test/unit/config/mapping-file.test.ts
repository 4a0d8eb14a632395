import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readMappingFile } from '../../../src/config/mapping-file.ts';

async function fileOf(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'fluxcache-config-')), 'cache.yaml');
  await writeFile(path, text);
  return path;
}

test('YAML and JSON files give the same values', async (t) => {
  const expected = {
    kind: 'values',
    values: new Map<string, unknown>(Object.entries({ httpPort: 1, allowedHosts: ['a'] })),
  };
  t.deepEqual(readMappingFile(await fileOf('# comment\nhttpPort: 1\nallowedHosts: [a]\n')), expected as never);
  t.deepEqual(readMappingFile(await fileOf('{"httpPort": 1, "allowedHosts": ["a"]}')), expected as never);
});

test('an empty file gives no values', async (t) => {
  t.deepEqual(readMappingFile(await fileOf('# nothing\n')), { kind: 'values', values: new Map() });
});

test('a key named __proto__ is a key like any other', async (t) => {
  const read = readMappingFile(await fileOf('{"__proto__": {"httpPort": 1}}'));
  t.is(read.kind, 'values');
  t.deepEqual(read.kind === 'values' && [...read.values.keys()], ['__proto__']);
});

test('what cannot be read is told with the file, the line where there is one, and why', async (t) => {
  const broken: [string, RegExp][] = [
    ['httpPort: 1\nbind: "x\n', /cache\.yaml:\d+: .*\.$/],
    ['a: 1\na: 2\n', /cache\.yaml:2: Map keys must be unique\.$/],
    ['- a\n', /cache\.yaml: must hold 'option: value' lines, not a list\.$/],
    ['hello', /cache\.yaml: must hold 'option: value' lines, not one value\.$/],
  ];
  for (const [text, problem] of broken) {
    const read = readMappingFile(await fileOf(text));
    t.regex(read.kind === 'problem' ? read.problem : '', problem);
  }
  const missing = readMappingFile('/nowhere/cache.yaml');
  t.deepEqual(missing, { kind: 'problem', problem: '/nowhere/cache.yaml: there is no such file.' });
  const folder = readMappingFile(tmpdir());
  t.regex(folder.kind === 'problem' ? folder.problem : '', /is a folder, not a file\.$/);
});

test('aliases that unfold into gigabytes are refused, not followed', async (t) => {
  const levels = Array.from({ length: 30 }, (_, i) => `k${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
  const read = readMappingFile(await fileOf(`k0: &a0 x\n${levels.join('\n')}\n`));
  t.is(read.kind, 'problem');
});
