const STAR = 0x2a;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;

/**
 * Whether every key that matches the pattern `asked` is known to match `pattern`, too: they are the same, or `pattern`
 * is `BEGINNING*` and `asked` begins with BEGINNING, written alike. Beginnings with sets or backslashes are not compared.
 * False says nothing: whoever needs more than this has to look at each key.
 */
export function covers(pattern: Uint8Array, asked: Uint8Array): boolean {
  const length = pattern.length - 1;
  const isBeginning =
    pattern[length] === STAR && pattern.indexOf(OPEN) < 0 && pattern.indexOf(BACKSLASH) < 0 && asked.length >= length;
  const compared = isBeginning ? length : pattern.length;
  if (!isBeginning && asked.length !== pattern.length) return false;
  for (let at = 0; at < compared; at++) if (pattern[at] !== asked[at]) return false;
  return true;
}
