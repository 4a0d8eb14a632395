import { readdir, readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import { benchOptions } from '../../../src/cli/bench-options.ts';
import { clusterOptions } from '../../../src/cli/cluster-options.ts';
import { optionsMarkdown, optionsText } from '../../../src/cli/help-text.ts';
import { connectionOptions, options } from '../../../src/cli/options.ts';
import { repairOptions } from '../../../src/cli/repair-options.ts';
import { snapshotOptions } from '../../../src/cli/snapshot-options.ts';

const FOLDER = new URL('../../../src/cli/', import.meta.url);
const README = new URL('README.md', FOLDER);
/** What bench has in common with the program is said once. */
const ownOfBench = Object.fromEntries(Object.entries(benchOptions).filter(([name]) => !(name in connectionOptions)));
const tables = {
  options: optionsMarkdown(options),
  'cluster options': optionsMarkdown(clusterOptions),
  'repair options': optionsMarkdown(repairOptions),
  'snapshot options': optionsMarkdown(snapshotOptions),
  'bench options': optionsMarkdown(ownOfBench),
};

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
  for (const table of [options, clusterOptions, repairOptions, snapshotOptions, benchOptions]) {
    const help = optionsText(table);
    for (const { flags, doc } of Object.values(table)) {
      t.true(help.includes(`  ${flags.join(', ')}`), flags[0]);
      t.regex(doc, /^[A-Z].*\.$/s);
    }
    for (const line of help.split('\n')) t.true(line.length <= 101, line);
  }
});

test('no two options of a command share a flag', (t) => {
  for (const table of [options, clusterOptions, repairOptions, snapshotOptions, benchOptions]) {
    const flags = Object.values(table).flatMap((option) => [...option.flags]);
    t.is(new Set(flags).size, flags.length);
  }
});

test('the README has a place for every file of the folder', async (t) => {
  const text = await readFile(README, 'utf8');
  for (const name of await readdir(FOLDER)) if (name.endsWith('.ts')) t.true(text.includes(`\`${name}\``), name);
});
