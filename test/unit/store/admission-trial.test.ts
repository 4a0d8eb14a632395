import test from 'ava';
import { AdmissionTrial } from '../../../src/store/admission-trial.ts';
import type { NextVictim } from '../../../src/store/next-victim.ts';
import { policyLayoutFor, TRIAL_PAIRS } from '../../../src/store/policy-layout.ts';

const BUDGET_BYTES = 1 << 20;
const SPAN_BYTES = BUDGET_BYTES / 2 / TRIAL_PAIRS;
const used = new Set<number>();

function trialOf(): AdmissionTrial {
  used.clear();
  const { trial, words } = policyLayoutFor(BUDGET_BYTES);
  const victims: Pick<NextVictim, 'wasUsed'> = { wasUsed: (mark) => used.has(mark) };
  return new AdmissionTrial(new Int32Array(words), trial, BUDGET_BYTES, victims as NextVictim);
}

/** Begins `count` pairs of hashes 2n and 2n + 1 and mark n, doing `then` right after each. */
function begin(trial: AdmissionTrial, count: number, then: (n: number) => void): void {
  for (let n = 1; n <= count; n++) {
    trial.begin(2 * n, 2 * n + 1, n);
    then(n);
  }
}

test('a pair is due once for each 64th of half the budget, with another victim each time', (t) => {
  const trial = trialOf();
  t.false(trial.isDue(SPAN_BYTES - 1, 5));
  t.true(trial.isDue(1, 5));
  trial.begin(1, 2, 5);
  t.false(trial.isDue(SPAN_BYTES, 5));
  t.true(trial.isDue(1, 6));
});

test('turning away does harm where those who were turned away are asked for again', (t) => {
  const trial = trialOf();
  begin(trial, TRIAL_PAIRS * 2, (n) => trial.note(2 * n));
  t.true(trial.harms);
});

test('turning away is right where the victims are used, in their place or asked for anew', (t) => {
  const trial = trialOf();
  begin(trial, TRIAL_PAIRS * 2, (n) => {
    trial.note(2 * n);
    if (n % 2 === 0) used.add(n);
    else trial.note(2 * n + 1);
  });
  t.false(trial.harms);
});

test('the door closes again once turning away is right again', (t) => {
  const trial = trialOf();
  begin(trial, TRIAL_PAIRS * 2, (n) => trial.note(2 * n));
  begin(trial, TRIAL_PAIRS * 2, (n) => used.add(n));
  t.false(trial.harms);
});

test('keys that are on no trial change nothing', (t) => {
  const trial = trialOf();
  begin(trial, TRIAL_PAIRS * 3, (n) => trial.note(2 * n + 1_000_000));
  t.false(trial.harms);
});
