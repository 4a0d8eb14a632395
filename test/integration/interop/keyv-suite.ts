import type { keyvApiTests } from '@keyv/test-suite';
import test from 'ava';
import { Expectations } from './suite-expectations.ts';

type Hook = () => void | Promise<void>;
type Suite = Parameters<typeof keyvApiTests>[0];

/** Registers the tests of a part of the suite, which is written for Vitest, with ava. */
export function register(part: string, run: (suite: Suite) => void): void {
  const before: Hook[] = [];
  const after: Hook[] = [];
  const runner = {
    beforeEach: (hook: Hook) => void before.push(hook),
    afterEach: (hook: Hook) => void after.push(hook),
    it: (title: string, body: (context: Pick<Expectations, 'expect'>) => void | Promise<void>) => {
      test.serial(`@keyv/test-suite, ${part}: ${title}`, async (t) => {
        for (const hook of before) await hook();
        const expectations = new Expectations();
        await body({ expect: expectations.expect });
        expectations.settle();
        for (const hook of after) await hook();
        t.pass();
      });
    },
  };
  // Of all that Vitest exports the suite takes these three.
  run(Object.assign(Object.create(null), runner));
}
