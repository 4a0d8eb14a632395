import { readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import { helpText, referenceMarkdown } from '../../../src/config/help.ts';
import { flagOf, optionNames, options, variableOf } from '../../../src/config/options.ts';

const README = new URL('../../../src/config/README.md', import.meta.url);
const SECTION = /(?<=<!-- options: begin -->\n)[\s\S]*(?=\n<!-- options: end -->)/;

test('the reference in src/config/README.md is what the option table says (FLUXCACHE_UPDATE_DOCS=1 rewrites it)', async (t) => {
  let text = await readFile(README, 'utf8');
  if (process.env['FLUXCACHE_UPDATE_DOCS'] === '1') {
    text = text.replace(SECTION, () => referenceMarkdown());
    await writeFile(README, text);
  }
  t.is(SECTION.exec(text)?.[0], referenceMarkdown());
});

test('help names every option and fits 100 columns', (t) => {
  const help = helpText();
  for (const name of optionNames) t.true(help.includes(`  ${flagOf(name)}`), name);
  for (const line of help.split('\n')) t.true(line.length <= 101, line);
});

test('help names every protocol and its port first of all', (t) => {
  const [, about = ''] = helpText().split('\n\n');
  for (const protocol of ['HTTP', 'RESP', 'MessagePack-RPC', 'TLS']) t.true(about.includes(protocol), protocol);
  for (const name of ['httpPort', 'tcpPort'] as const)
    t.regex(about, new RegExp(`\\bport\\s${options[name].default}\\b`), name);
});

test('no two options share a flag or a variable, and documentation is sentences', (t) => {
  t.is(new Set(optionNames.map(flagOf)).size, optionNames.length);
  t.is(new Set(optionNames.map(variableOf)).size, optionNames.length);
  for (const name of optionNames) t.regex(options[name].doc, /^[A-Z].*\.$/, name);
});
