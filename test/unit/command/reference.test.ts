import { readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import { reference } from '../../../src/command/reference.ts';
import { commandTable } from '../../../src/command/table.ts';

const readme = new URL('../../../src/command/README.md', import.meta.url);
const begin = '<!-- reference -->\n';
const end = '<!-- end of reference -->';

test('src/command/README.md lists the commands and errors of the tables (FLUXCACHE_UPDATE_DOCS=1 rewrites it)', async (t) => {
  const text = await readFile(readme, 'utf8');
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  t.true(from >= begin.length && to >= from);
  const wanted = `${text.slice(0, from)}\n${reference(commandTable.commands)}\n\n${text.slice(to)}`;
  if (process.env['FLUXCACHE_UPDATE_DOCS'] === '1') await writeFile(readme, wanted);
  else t.is(text, wanted);
});
