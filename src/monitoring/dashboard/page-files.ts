import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PageFile } from '../../server/http/dashboard-port.ts';

const PAGE = 'index.html';
/** Where the page's own files are: beside this module, among the sources as in the built tree. */
const FOLDER = fileURLToPath(new URL('./page/', import.meta.url));
/** The library that draws charts, as it is installed. */
const LIBRARY = ['uPlot.esm.js', 'uPlot.min.css'];

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The dashboard's page and its files by name, read once: no request names a file of the disk. Throws when one is missing. */
export function readPageFiles(): { readonly page: PageFile; readonly files: ReadonlyMap<string, PageFile> } {
  const page = readPageFile(join(FOLDER, PAGE));
  const files = new Map<string, PageFile>();
  for (const name of readdirSync(FOLDER)) {
    if (name !== PAGE && extname(name) in contentTypes) files.set(name, readPageFile(join(FOLDER, name)));
  }
  const { resolve } = createRequire(import.meta.url);
  for (const name of LIBRARY) files.set(name, readPageFile(resolve(`uplot/dist/${name}`)));
  return { page, files };
}

function readPageFile(path: string): PageFile {
  const bytes = readFileSync(path);
  // 48 bits of it: a number of at most 15 digits, as entity tags of values have them.
  const version = 1 + createHash('sha256').update(bytes).digest().readUIntBE(0, 6);
  return { contentType: contentTypes[extname(path)] ?? 'application/octet-stream', version, bytes };
}
