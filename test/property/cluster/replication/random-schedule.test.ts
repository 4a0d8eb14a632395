import test from 'ava';
import fc from 'fast-check';
import { testScale } from '../../../scale.ts';
import { RandomSchedule, type ScheduleSettings } from './random-schedule.ts';

const settings: fc.Arbitrary<ScheduleSettings> = fc.record({
  seed: fc.nat(2 ** 31),
  minInSync: fc.integer({ min: 1, max: 3 }),
  onLoss: fc.constantFrom('offline', 'reset'),
  losses: fc.constantFrom(0, 20, 100),
  restarts: fc.constantFrom(0, 2, 8),
  cuts: fc.constantFrom(0, 5, 20),
  writes: fc.constantFrom(50, 400),
  disorderPermille: fc.constantFrom(0, 30, 300),
});

test('whatever happens in whatever order, no acknowledged write is lost while a copy in sync lives, and all settles', (t) => {
  const totals: Record<string, number> = {};
  fc.assert(
    fc.property(settings, (setup) => {
      const schedule = new RandomSchedule(setup);
      schedule.run(1000);
      schedule.settle();
      for (const [name, count] of Object.entries(schedule.counts)) totals[name] = (totals[name] ?? 0) + count;
      totals['told'] = (totals['told'] ?? 0) + schedule.truth.told;
    }),
    { numRuns: 40 * testScale, endOnFailure: true },
  );
  t.log(totals);
  t.true((totals['told'] ?? 0) > 0);
});
