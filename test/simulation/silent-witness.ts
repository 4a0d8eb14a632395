import type { Witness } from './witness.ts';

/** Sees nothing: for runs that are measured rather than checked. */
export function silentWitness(): Witness {
  let operations = 0;
  return {
    started: () => {},
    stopped: () => {},
    lostData: () => {},
    configured: () => {},
    persisting: () => {},
    persisted: () => {},
    sent: () => {},
    stepped: () => {},
    appended: () => {},
    applied: () => {},
    loaded: () => {},
    cleared: () => {},
    acknowledged: () => {},
    answered: () => {},
    invoked: () => ++operations,
    completed: () => {},
    inspect: () => {},
    finish: () => {},
  };
}
