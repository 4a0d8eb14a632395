/** Those that most people see, always in the same colour, whoever looks and whatever runs beside them. */
const KNOWN = ['get', 'set', 'del', 'mget', 'mset', 'incr', 'expire', 'exists', 'flux.entry'];
const COLORS = 9;
/** Names within the node that nobody outside knows. */
const LABELS = new Map([
  ['flux.entry', 'GET /v1/keys'],
  ['flux.staleentry', 'GET /v1/keys, max-stale'],
  ['flux.getfill', 'POST /v1/keys, fill'],
  ['flux.removeif', 'DELETE /v1/keys'],
]);

/** Which command has which colour: of its name, as far as another that is shown does not have that one already. */
export class CommandColors {
  /** @type {Map<string, number>} */
  #colors = new Map();

  /**
   * Gives colours to commands that have none, and takes them from those that are not shown any more.
   *
   * @param {readonly string[]} shown no more than there are colours
   */
  assign(shown) {
    for (const name of this.#colors.keys()) if (!shown.includes(name)) this.#colors.delete(name);
    const taken = new Set(this.#colors.values());
    for (const name of [...shown].sort()) {
      if (this.#colors.has(name)) continue;
      let color = wishOf(name);
      while (taken.has(color) && taken.size < COLORS) color = (color + 1) % COLORS;
      taken.add(color);
      this.#colors.set(name, color);
    }
  }

  /**
   * The name of a colour of theme.css.
   *
   * @param {string} name
   */
  of(name) {
    return `series-${(this.#colors.get(name) ?? wishOf(name)) + 1}`;
  }
}

/**
 * A command as people write it.
 *
 * @param {string} name
 */
export function commandLabel(name) {
  return LABELS.get(name) ?? name.replace('|', ' ').toUpperCase();
}

/** @param {string} name */
function wishOf(name) {
  const known = KNOWN.indexOf(name);
  if (known >= 0) return known;
  let hash = 0;
  for (let at = 0; at < name.length; at++) hash = (hash * 31 + name.charCodeAt(at)) % 65_521;
  return hash % COLORS;
}
