import test from 'ava';
import { runSeed } from './run-seed.ts';

const SEED = 12;
/** So many that pauses, crashes of primaries and failovers are among them. */
const SEEDS = [12, 13, 14, 15];
const PROFILE = 'single';

function traceOf(seed: number, printsMessages: boolean) {
  const lines: string[] = [];
  const result = runSeed(seed, { profile: PROFILE, printsMessages, print: (line) => lines.push(line) });
  return { lines, result };
}

test('a trace tells each decision once, in its order, and what it changed', (t) => {
  const traces = SEEDS.map((seed) => traceOf(seed, false));
  for (const { lines } of traces) {
    const numbers = lines.flatMap((line) => /^ *[\d.]+ n\d+ +#(\d+) /.exec(line)?.[1] ?? []).map(Number);
    t.true(numbers.length > 10);
    t.deepEqual(
      numbers,
      Array.from({ length: numbers.length }, (_, index) => index + 1),
    );
  }
  const lines = traces.flatMap((trace) => trace.lines);
  for (const what of [
    /#\d+ fence (n\d+), boot \d+: \1 fenced; .*p\d+ epoch \d+ primary \1 → n\d+ in sync n\d+/,
    /n\d+ +election won: leads term \d+/,
    /n\d+ +p\d+ replica, epoch \d+ → primary, epoch \d+/,
    /n\d+ +its lease is over, for \d+ ms/,
    /n\d+ +has a lease for \d+ ms/,
    /n\d+ +stands still$/,
    /n\d+ +wakes; \d+ events wait$/,
    /!!! +pause n\d+ is over$/,
    /c\d+ +#\d+ asks/,
  ]) {
    t.true(
      lines.some((line) => what.test(line)),
      String(what),
    );
  }
  t.false(lines.some((line) => line.includes(' from n')));
});

test('messages are told only where asked for, with what they carry', (t) => {
  const { lines } = traceOf(SEED, true);
  t.true(lines.some((line) => / from n\d+: .*"payload":"fence n\d+, boot \d+"/.test(line)));
  t.true(lines.some((line) => / from n\d+: .*"effect":\{"kind":"set"/.test(line)));
  t.true(lines.some((line) => / what goes to n\d+ is (cut off|lost)/.test(line)));
});

test('who reads a trace changes nothing', (t) => {
  const unread = runSeed(SEED, { profile: PROFILE });
  for (const printsMessages of [false, true]) t.deepEqual(traceOf(SEED, printsMessages).result, unread);
});
