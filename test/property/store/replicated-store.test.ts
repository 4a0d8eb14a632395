import test from 'ava';
import fc from 'fast-check';
import { EVICTION_NAMES } from '../../../src/store/arena.ts';
import { testScale as SCALE } from '../../scale.ts';
import { act } from './acts.ts';
import { ReplicatedModel } from './replicated-model.ts';

for (const eviction of EVICTION_NAMES) {
  test(`a replica that repeats effects, and one that copies meanwhile, agree with a store under ${eviction}`, (t) => {
    let joined = 0;
    fc.assert(
      fc.property(fc.array(act, { minLength: 1, maxLength: 40, size: 'max' }), (acts) => {
        const store = new ReplicatedModel(eviction, 1 << 20);
        for (const [ordinal, act] of acts.entries()) {
          act(store);
          store.replicate();
          if (ordinal % 5 === 4) store.checkReplica();
        }
        store.check();
        store.checkReplica();
        while (store.primary.maintain());
        store.replicate();
        store.check();
        store.checkReplica();
        joined += store.joined;
      }),
      { numRuns: 8 * SCALE, ...(process.env['SEED'] ? { seed: Number(process.env['SEED']) } : {}) },
    );
    t.true(joined > 0);
  });
}
