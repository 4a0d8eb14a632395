import { element } from './element.js';

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
  /** What takes the colours on, so that the browser says what they come to. */
  #probe = element('span', { hidden: true });

  constructor() {
    document.body.append(this.#probe);
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
   * @param {number} [alpha] how much of it: 0 to 1
   */
  color(name, alpha = 1) {
    const key = `${name}/${alpha}`;
    let color = this.#colors.get(key);
    if (color === undefined) {
      this.#probe.style.color = `var(--${name})`;
      const [red = 0, green = 0, blue = 0] = getComputedStyle(this.#probe).color.match(/[\d.]+/g) ?? [];
      color = `rgb(${red} ${green} ${blue} / ${alpha})`;
      this.#colors.set(key, color);
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
