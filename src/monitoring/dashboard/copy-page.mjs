// Copies the files that browsers are given as they stand into a built tree, behind the compiler, which passes them over:
// `node copy-page.mjs FOLDER`.
import { cpSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const served = ['.html', '.css', '.js', '.svg'];
const source = fileURLToPath(new URL('./page/', import.meta.url));
const target = join(process.argv[2] ?? 'dist', 'monitoring/dashboard/page');
rmSync(target, { recursive: true, force: true });
cpSync(source, target, { recursive: true, filter: (path) => extname(path) === '' || served.includes(extname(path)) });
