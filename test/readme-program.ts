import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
/** As a program of a user is checked, but that the library is read from its sources. */
const TSC_OPTIONS =
  '--ignoreConfig --noEmit --strict --module nodenext --target es2023 --lib es2023,es2024.sharedmemory --types node --skipLibCheck --allowImportingTsExtensions --erasableSyntaxOnly';

/** The examples of a page, put together to one program, in a folder of its own. */
export interface ReadmeProgram {
  readonly text: string;
  /** What the comments behind `console.log(…);` say that is printed, in order. */
  readonly expected: readonly string[];
  /** What the compiler says of it; empty: nothing. */
  check(): Promise<string>;
  /** What it prints, a line each; of one that fails, what it failed of. */
  run(): Promise<string[]>;
  remove(): Promise<void>;
}

/** Of a page below the root, with texts of it replaced, each wherever it stands. */
export async function readmeProgram(page: string, replaced: Readonly<Record<string, string>>): Promise<ReadmeProgram> {
  const markdown = await readFile(join(ROOT, page), 'utf8');
  let text = [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code).join('\n');
  for (const [from, to] of Object.entries(replaced)) {
    if (!text.includes(from)) throw new Error(`the examples of ${page} do not say ${from}`);
    text = text.replaceAll(from, to);
  }
  const folder = await mkdtemp(join(tmpdir(), 'fluxcache-readme-'));
  const file = join(folder, 'examples.mts');
  await writeFile(file, text);
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    text,
    expected: [...text.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => line ?? ''),
    check: () => outputOf([TSC, ...TSC_OPTIONS.split(' '), file]),
    run: async () => (await outputOf(['--import=tsx', file])).split('\n'),
    remove: () => rm(folder, { recursive: true }),
  };
}

/** The path of a module of the sources, as an import names it. */
export function sourceModule(path: string): string {
  return `'${join(ROOT, 'src', path)}'`;
}

function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT }, (error, stdout, stderr) => {
      resolve((error === null ? stdout : `${stdout}${stderr}`).trimEnd());
    });
  });
}
