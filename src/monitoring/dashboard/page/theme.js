const KEY = 'fluxcache.theme';
/** @typedef {'system' | 'light' | 'dark'} ThemeChoice */
/** @type {readonly ThemeChoice[]} */
const CHOICES = ['system', 'light', 'dark'];

/** Light or dark: as the system has it, or as the user chose (kept in `localStorage`). */
export class Theme {
  #system = matchMedia('(prefers-color-scheme: dark)');
  /** @type {ThemeChoice} */
  #choice = readChoice();
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {Map<string, string>} */
  #colors = new Map();

  constructor() {
    this.#system.addEventListener('change', () => this.#apply());
    this.#apply();
  }

  get choice() {
    return this.#choice;
  }

  get isDark() {
    return this.#choice === 'dark' || (this.#choice === 'system' && this.#system.matches);
  }

  /** The next of system, light, dark. */
  next() {
    this.#choice = CHOICES[(CHOICES.indexOf(this.#choice) + 1) % CHOICES.length] ?? 'system';
    if (this.#choice === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, this.#choice);
    this.#apply();
  }

  /**
   * A colour of the style sheet, for canvases.
   *
   * @param {string} name of the custom property, without its dashes
   */
  color(name) {
    let color = this.#colors.get(name);
    if (color === undefined) {
      color = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
      this.#colors.set(name, color);
    }
    return color;
  }

  /** @param {() => void} listener called when colours are other ones */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  #apply() {
    document.documentElement.dataset['theme'] = this.isDark ? 'dark' : 'light';
    this.#colors.clear();
    for (const listener of this.#listeners) listener();
  }
}

/** @returns {ThemeChoice} */
function readChoice() {
  const kept = localStorage.getItem(KEY);
  return CHOICES.find((choice) => choice === kept) ?? 'system';
}
