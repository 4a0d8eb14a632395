import { runSeed } from '../run-seed.ts';

/** The program in a mutant's bundle: prints the first seed with a violation and what it was, or `none`. */

const from = Number(process.argv[2]);
const count = Number(process.argv[3]);
let answer = 'none';
for (let seed = from; seed < from + count && answer === 'none'; seed++) {
  const { violation } = runSeed(seed);
  if (violation !== null) answer = `${seed} ${violation.message.split('\n')[0]}`;
}
process.stdout.write(`${answer}\n`);
