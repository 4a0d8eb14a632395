import { readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import { helpText, referenceMarkdown, summaryMarkdown } from '../../../src/config/help.ts';
import { flagOf, optionNames, options, variableOf } from '../../../src/config/options.ts';

const SECTION = /(?<=<!-- options: begin -->\n)[\s\S]*(?=\n<!-- options: end -->)/;

for (const [file, markdown] of [
  ['src/config/README.md', referenceMarkdown],
  ['README.md', summaryMarkdown],
] as const) {
  test(`the options in ${file} are those of the option table (FLUXCACHE_UPDATE_DOCS=1 rewrites them)`, async (t) => {
    const url = new URL(`../../../${file}`, import.meta.url);
    let text = await readFile(url, 'utf8');
    if (process.env['FLUXCACHE_UPDATE_DOCS'] === '1') {
      text = text.replace(SECTION, () => markdown());
      await writeFile(url, text);
    }
    t.is(SECTION.exec(text)?.[0], markdown());
  });
}

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
