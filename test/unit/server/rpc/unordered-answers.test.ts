import test from 'ava';
import fc from 'fast-check';
import { UnorderedAnswers } from '../../../../src/server/rpc/unordered-answers.ts';

test('no command counts as answered that is not, and each does once all that were under way with it are', (t) => {
  const steps = fc.array(fc.oneof(fc.constant(-1), fc.nat(1000)), { maxLength: 400 });
  fc.assert(
    fc.property(steps, (choices) => {
      const answers = new UnorderedAnswers();
      const owed = new Map<number, number>();
      for (const choice of choices) {
        if (choice < 0 || owed.size === 0) {
          const generation = answers.begin();
          owed.set(answers.taken, generation);
        } else {
          const [number, generation] = [...owed][choice % owed.size] as [number, number];
          owed.delete(number);
          answers.end(generation);
        }
        const oldest = Math.min(answers.taken + 1, ...owed.keys());
        if (answers.answered >= oldest) return false;
        if (owed.size === 0 && answers.answered !== answers.taken) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test('it catches up although some command is always under way', (t) => {
  const answers = new UnorderedAnswers();
  let last = answers.begin();
  for (let index = 0; index < 1000; index++) {
    const next = answers.begin();
    answers.end(last);
    last = next;
    t.true(answers.taken - answers.answered <= 3, `${answers.answered} of ${answers.taken}`);
  }
});
