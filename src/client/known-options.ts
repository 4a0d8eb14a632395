import { nearest } from '../base/nearest.ts';
import { FluxCacheError } from './errors.ts';

/**
 * Options are often written where no compiler looks; one that is misspelt must not be taken for one that was not given.
 * Names whose value is undefined are looked at, too.
 *
 * @param within what the options belong to, with a dot (`retry.`); empty for a call's or the client's own
 * @throws FluxCacheError `invalid-argument`, naming the option and the one that is nearest
 */
export function onlyKnown(given: object, names: ReadonlySet<string>, within = ''): void {
  for (const name in given) {
    if (names.has(name)) continue;
    const near = nearest(name, names);
    const hint = near === undefined ? `the options are ${[...names].join(', ')}` : `did you mean ${within}${near}?`;
    throw new FluxCacheError('invalid-argument', `unknown option "${within}${name}"; ${hint}`);
  }
}

/** The names of a set, all of which must be those of a type. */
export function namesOf<Options>(names: { readonly [Name in keyof Required<Options>]: true }): ReadonlySet<string> {
  return new Set(Object.keys(names));
}
