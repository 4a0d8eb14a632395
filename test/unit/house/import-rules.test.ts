import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');

interface Diagnostic {
  category: string;
  location: { path: string | { file: string } };
}

/** Lints a tree of the given files under the project's own rules; answers 'path rule' lines. */
async function lint(files: Record<string, string>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fluxcache-rules-'));
  try {
    for (const name of ['biome.json', 'package.json', '.gitignore'])
      await copyFile(join(ROOT, name), join(folder, name));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const report = await new Promise<string>((resolve) => {
      const args = [BIOME, 'lint', '--reporter=json', '--max-diagnostics=none', 'src'];
      execFile(process.execPath, args, { cwd: folder }, (_error, stdout) => resolve(stdout));
    });
    const { diagnostics } = JSON.parse(report) as { diagnostics: Diagnostic[] };
    return diagnostics.map(({ category, location: { path } }) => {
      const file = typeof path === 'string' ? path : path.file;
      return `${file} ${category.replace(/^lint\/\w+\//, '')}`;
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const uses = (from: string) => `import { it } from '${from}';\nexport const that = it;\n`;
const VALUE = 'export const it = 1;\n';

test('a folder may import from the folders below it', async (t) => {
  const found = await lint({
    'src/base/a.ts': VALUE,
    'src/command/a.ts': uses('../base/a.ts'),
    'src/protocol/http/a.ts': uses('../../command/b.ts'),
    'src/command/b.ts': VALUE,
    'src/shard/a.ts': uses('../store/a.ts'),
    'src/store/a.ts': VALUE,
    'src/server.ts': uses('./shard/a.ts'),
    'src/monitoring/access/a.ts': uses('../../store/a.ts'),
    'src/monitoring/a.ts': uses('./access/a.ts'),
    'src/monitoring/dashboard/a.ts': uses('../a.ts'),
    'src/monitoring/dashboard/b.ts': uses('../access/a.ts'),
  });
  t.deepEqual(found, []);
});

test('a folder that imports one above it is refused, type imports and nested folders included', async (t) => {
  const found = await lint({
    'src/base/a.ts': uses('../command/a.ts'),
    'src/store/a.ts': "import type { It } from '../shard/a.ts';\nexport type That = It;\n",
    'src/protocol/http/a.ts': uses('../../store/a.ts'),
    'src/mailbox/a.ts': uses('../server.ts'),
    'src/server/access/a.ts': uses('../http/a.ts'),
    'src/server/http/a.ts': VALUE,
    'src/cluster/consensus/a.ts': uses('../replication/a.ts'),
    'src/cluster/replication/a.ts': uses('../controller/a.ts'),
    'src/cluster/controller/a.ts': VALUE,
  });
  t.deepEqual(
    found.filter((line) => line.endsWith('noRestrictedImports')),
    [
      'src/base/a.ts noRestrictedImports',
      'src/cluster/consensus/a.ts noRestrictedImports',
      'src/mailbox/a.ts noRestrictedImports',
      'src/protocol/http/a.ts noRestrictedImports',
      'src/server/access/a.ts noRestrictedImports',
      'src/store/a.ts noRestrictedImports',
    ],
  );
});

test('what tells of lookups, keys and the cluster imports neither one another, nor what shows it', async (t) => {
  const found = await lint({
    'src/monitoring/a.ts': uses('./dashboard/b.ts'),
    'src/monitoring/access/a.ts': uses('../b.ts'),
    'src/monitoring/keyspace/a.ts': uses('../access/b.ts'),
    'src/monitoring/cluster-timeline/a.ts': uses('../dashboard/b.ts'),
  });
  t.deepEqual(found.sort(), [
    'src/monitoring/a.ts noRestrictedImports',
    'src/monitoring/access/a.ts noRestrictedImports',
    'src/monitoring/cluster-timeline/a.ts noRestrictedImports',
    'src/monitoring/keyspace/a.ts noRestrictedImports',
  ]);
});

test('pure folders import no node modules, except in files named after what acts', async (t) => {
  const reads = "import { readFileSync } from 'node:fs';\nexport const text = readFileSync('x');\n";
  const found = await lint({
    'src/store/a.ts': reads,
    'src/store/a-file.ts': reads,
    'src/cluster/replication/a.ts': reads,
    'src/config/a-file.ts': reads,
    'src/monitoring/a.ts': reads,
  });
  t.deepEqual(found.sort(), ['src/cluster/replication/a.ts noNodejsModules', 'src/store/a.ts noNodejsModules']);
});

test('an import cycle is refused, one of types only included', async (t) => {
  const found = await lint({
    'src/base/a.ts': "import type { B } from './b.ts';\nexport interface A {\n  b: B;\n}\n",
    'src/base/b.ts': "import type { A } from './a.ts';\nexport interface B {\n  a: A;\n}\n",
  });
  t.deepEqual(found.sort(), ['src/base/a.ts noImportCycles', 'src/base/b.ts noImportCycles']);
});

test('any, non-null assertions and floating promises are refused', async (t) => {
  const found = await lint({
    'src/base/a.ts': [
      'async function wait(): Promise<void> {}',
      'export function f(a: string | undefined, b: any): number {',
      '  wait();',
      '  return a!.length + b;',
      '}',
      '',
    ].join('\n'),
  });
  t.deepEqual(found.sort(), [
    'src/base/a.ts noExplicitAny',
    'src/base/a.ts noFloatingPromises',
    'src/base/a.ts noNonNullAssertion',
  ]);
});

test('every folder of src has its import rule', async (t) => {
  const config = await readFile(join(ROOT, 'biome.json'), 'utf8');
  const entries = await readdir(join(ROOT, 'src'), { withFileTypes: true });
  for (const entry of entries) {
    if (entry.isDirectory()) t.true(config.includes(`"src/${entry.name}/*.ts"`), `no rule for src/${entry.name}`);
  }
});
