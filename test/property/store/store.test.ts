import test from 'ava';
import fc from 'fast-check';
import { EVICTION_NAMES } from '../../../src/store/arena.ts';
import { testScale as SCALE } from '../../scale.ts';
import { act } from './acts.ts';
import { ModelledStore } from './model.ts';

for (const eviction of EVICTION_NAMES) {
  test(`a store under ${eviction} agrees with a map, whatever is done to it`, (t) => {
    fc.assert(
      fc.property(fc.array(act, { minLength: 1, maxLength: 40, size: 'max' }), (acts) => {
        const store = new ModelledStore(eviction, 1 << 20);
        for (const act of acts) act(store);
        store.check();
        while (store.writer.maintain());
        store.check();
      }),
      { numRuns: 20 * SCALE, ...(process.env['SEED'] ? { seed: Number(process.env['SEED']) } : {}) },
    );
    t.pass();
  });
}
