import { readdir, readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import { benchOptions } from '../../../src/cli/bench-options.ts';
import { clusterOptions } from '../../../src/cli/cluster-options.ts';
import { optionsMarkdown, optionsText } from '../../../src/cli/help-text.ts';
import { invalidateOptions } from '../../../src/cli/invalidate-options.ts';
import { connectionOptions, options } from '../../../src/cli/options.ts';
import { repairOptions } from '../../../src/cli/repair-options.ts';
import { snapshotOptions } from '../../../src/cli/snapshot-options.ts';
import { topOptions } from '../../../src/cli/top/top-options.ts';
import {
  exportOptions,
  importOptions,
  ownExportOptions,
  ownImportOptions,
} from '../../../src/cli/transfer/transfer-options.ts';

const FOLDER = new URL('../../../src/cli/', import.meta.url);
const README = new URL('README.md', FOLDER);
/** What bench has in common with the program is said once. */
const ownOfBench = Object.fromEntries(Object.entries(benchOptions).filter(([name]) => !(name in connectionOptions)));
const onlyOfImport = Object.fromEntries(
  Object.entries(ownImportOptions).filter(([name]) => !(name in ownExportOptions)),
);
const tables = {
  options: optionsMarkdown(options),
  'cluster options': optionsMarkdown(clusterOptions),
  'top options': optionsMarkdown(topOptions),
  'invalidate options': optionsMarkdown(invalidateOptions),
  'repair options': optionsMarkdown(repairOptions),
  'export options': optionsMarkdown(ownExportOptions),
  'import options': optionsMarkdown(onlyOfImport),
  'snapshot options': optionsMarkdown(snapshotOptions),
  'bench options': optionsMarkdown(ownOfBench),
};

const ofCommands = [
  options,
  clusterOptions,
  topOptions,
  invalidateOptions,
  repairOptions,
  snapshotOptions,
  exportOptions,
  importOptions,
  benchOptions,
];

const section = (name: string) => new RegExp(`(?<=<!-- ${name}: begin -->\\n)[\\s\\S]*(?=<!-- ${name}: end -->)`);

test('the references in src/cli/README.md are what the tables say (FLUXCACHE_UPDATE_DOCS=1 rewrites them)', async (t) => {
  let text = await readFile(README, 'utf8');
  if (process.env['FLUXCACHE_UPDATE_DOCS'] === '1') {
    for (const [name, table] of Object.entries(tables)) text = text.replace(section(name), () => `${table}\n`);
    await writeFile(README, text);
  }
  for (const [name, table] of Object.entries(tables)) t.is(section(name).exec(text)?.[0], `${table}\n`);
});

test('help names every option, fits 100 columns, and documentation is sentences', (t) => {
  for (const table of ofCommands) {
    const help = optionsText(table);
    for (const { flags, doc } of Object.values(table)) {
      t.true(help.includes(`  ${flags.join(', ')}`), flags[0]);
      t.regex(doc, /^[A-Z].*\.$/s);
    }
    for (const line of help.split('\n')) t.true(line.length <= 101, line);
  }
});

test('no two options of a command share a flag', (t) => {
  for (const table of ofCommands) {
    const flags = Object.values(table).flatMap((option) => [...option.flags]);
    t.is(new Set(flags).size, flags.length);
  }
});

test('the README of each folder has a place for every file of it', async (t) => {
  for (const folder of ['./', 'top/', 'transfer/']) {
    const text = await readFile(new URL(`${folder}README.md`, FOLDER), 'utf8');
    const names = await readdir(new URL(folder, FOLDER));
    for (const name of names) if (name.endsWith('.ts')) t.true(text.includes(`\`${name}\``), `${folder}${name}`);
  }
});
