import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const PROGRAM = fileURLToPath(new URL('./simulate.ts', import.meta.url));

/** Runs the program in a shell line, where it stands for `$SIMULATE`. */
async function shell(line: string): Promise<string> {
  const args = [...process.execArgv, PROGRAM].map((arg) => `'${arg}'`).join(' ');
  const script = line.replaceAll('$SIMULATE', `'${process.execPath}' ${args}`);
  return (await promisify(execFile)('bash', ['-c', script])).stdout;
}

test('a trace whose reader has seen enough ends quietly, with status 0', async (t) => {
  const printed = await shell('$SIMULATE --seed 2 --trace=messages 2>&1 | head -n 1; echo $PIPESTATUS');
  t.regex(printed, /^ +0\.000 +seed 2, profile .*\n0\n$/);
});

test('one seed is told of in seconds, without what did not happen; nonsense in two lines', async (t) => {
  const printed = await shell('$SIMULATE --seed 2 --profile calm; $SIMULATE --sede 2 2>&1; echo $?');
  t.regex(printed, /^seed +2 \(calm\), trace hash [0-9a-f]{16}\nsimulated +\d+(\.\d)? s\n/);
  t.notRegex(printed, /damaged frames|a second|hours/);
  t.regex(printed, /\nthere is no option --sede; did you mean --seed\?\n--help shows all options\n2\n$/);
});
