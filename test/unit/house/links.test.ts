import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** Folders that are not of the repository. */
const FOREIGN = new Set(['.git', 'node_modules', 'dist', 'coverage']);

function markdownFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return FOREIGN.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** Without code, in which brackets are no links. */
function prose(markdown: string): string {
  return markdown.replace(/^( *)(```+)[\s\S]*?^\1\2 *$/gm, '').replace(/(`+)[^`\n][^\n]*?\1/g, '');
}

/** Where it leads: of links, images, definitions of links and elements of HTML. */
function targets(markdown: string): string[] {
  const found = [
    ...markdown.matchAll(/\]\(<?([^()\s<>]+)>?(?: "[^"]*")?\)/g),
    ...markdown.matchAll(/^\[[^\]]+\]: *(\S+)/gm),
    ...markdown.matchAll(/(?:href|src|srcset)="([^"\s]+)"/g),
  ];
  return found.map(([, target]) => target as string).filter((target) => !/^[a-z]+:/.test(target));
}

/** The names by which headings are linked to, as the sites that show them make these. */
function anchors(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  const names = new Set<string>();
  for (const [, heading] of markdown.replace(/^( *)(```+)[\s\S]*?^\1\2 *$/gm, '').matchAll(/^#+ +(.+?) *#*$/gm)) {
    const text = (heading as string).replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const name = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    names.add(count === 0 ? name : `${name}-${count}`);
  }
  for (const [, name] of markdown.matchAll(/(?:id|name)="([^"]+)"/g)) names.add(name as string);
  return names;
}

function brokenLinks(file: string): string[] {
  const markdown = readFileSync(file, 'utf8');
  return targets(prose(markdown)).filter((target) => {
    const [path = '', anchor = ''] = target.split('#', 2).map(decodeURIComponent);
    const named = path === '' ? file : path.startsWith('/') ? join(ROOT, path) : join(dirname(file), path);
    if (!existsSync(named)) return true;
    return anchor !== '' && named.endsWith('.md') && !anchors(readFileSync(named, 'utf8')).has(anchor);
  });
}

test('every link and image of the documents that is not of the web leads to a file, and to a heading it has', (t) => {
  const files = markdownFiles(ROOT);
  t.true(files.length > 20);
  const broken = files.flatMap((file) => brokenLinks(file).map((target) => `${relative(ROOT, file)}: ${target}`));
  t.deepEqual(broken, []);
  t.true(files.some((file) => targets(readFileSync(file, 'utf8')).length > 10));
});
