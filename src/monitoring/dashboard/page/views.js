import { element } from './element.js';

/** The views of the page, one of them shown; which one is in the address (`#name`). */
export class Views {
  /** @type {HTMLElement} */
  #tabs;
  /** @type {HTMLElement} */
  #roots;
  /** @type {Map<string, {tab: HTMLAnchorElement, root: HTMLElement}>} */
  #views = new Map();

  /**
   * @param {HTMLElement} tabs
   * @param {HTMLElement} roots
   */
  constructor(tabs, roots) {
    this.#tabs = tabs;
    this.#roots = roots;
    addEventListener('hashchange', () => this.#show());
  }

  /**
   * @param {string} name
   * @param {string} title
   * @returns {HTMLElement} where the view's cards go
   */
  add(name, title) {
    const tab = element('a', { class: 'tab', href: `#${name}`, text: title });
    const root = element('div', { class: 'view', 'data-view': name, hidden: true });
    this.#tabs.append(tab);
    this.#roots.append(root);
    this.#views.set(name, { tab, root });
    return root;
  }

  /** @param {string} name */
  open(name) {
    location.hash = name;
  }

  /** All views are there: shows the one of the address, or the first. */
  start() {
    this.#show();
  }

  #show() {
    // What stands behind a slash is the view's own.
    const asked = location.hash.slice(1).split('/')[0] ?? '';
    const first = this.#views.keys().next().value;
    const name = this.#views.has(asked) ? asked : first;
    document.body.dataset['shown'] = name;
    for (const [each, { tab, root }] of this.#views) {
      root.hidden = each !== name;
      if (each === name) tab.setAttribute('aria-current', 'page');
      else tab.removeAttribute('aria-current');
    }
  }
}
