import type { ProfileName } from '../profiles.ts';
import { runSeed } from '../run-seed.ts';

/** The program in a mutant's bundle: prints the first seed with a violation and what it was, or `none`. */

const from = Number(process.argv[2]);
const count = Number(process.argv[3]);
const profile = process.argv[4] as ProfileName | undefined;
let answer = 'none';
for (let seed = from; seed < from + count && answer === 'none'; seed++) {
  const { violation } = runSeed(seed, profile === undefined ? {} : { profile });
  if (violation !== null) answer = `${seed} ${violation.message.split('\n')[0]}`;
}
process.stdout.write(`${answer}\n`);
