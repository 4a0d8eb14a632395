import { element } from './element.js';

/**
 * @typedef {object} CardOptions
 * @property {string} title
 * @property {string} [note] a few words behind the title
 * @property {3 | 4 | 6 | 8 | 12} [span] columns of twelve on a wide screen; 12 when left out
 * @property {string} [name] for styles and tests: `data-card`
 */

/**
 * Adds a card, the frame that everything on the page stands in.
 *
 * @param {HTMLElement} root
 * @param {CardOptions} options
 */
export function createCard(root, { title, note = '', span = 12, name }) {
  const titleElement = element('h2', { class: 'card-title', text: title });
  const noteElement = element('span', { class: 'card-note', text: note });
  /** For buttons and figures, at the right of the title. */
  const tools = element('div', { class: 'card-tools' });
  const body = element('div', { class: 'card-body' });
  const card = element(
    'section',
    { class: 'card', 'data-span': span, 'data-card': name ?? null, 'aria-label': title },
    element('header', { class: 'card-head' }, titleElement, noteElement, tools),
    body,
  );
  root.append(card);
  return { card, title: titleElement, note: noteElement, tools, body };
}
