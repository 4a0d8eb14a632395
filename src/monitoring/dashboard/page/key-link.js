/** @import { KeyName } from '../feed.ts' */
import { element, setText } from './element.js';
import { addressOfKey, keyPath, lineOf } from './key-text.js';

/**
 * A key in a cell: opens it in the key browser, where it can be opened.
 *
 * @template {KeyName} Row
 * @param {(view: string) => void} open
 * @returns {(cell: HTMLTableCellElement, row: Row) => void}
 */
export function keyCell(open) {
  return (cell, row) => {
    // A row is painted again and again, and its key stays: the link is made once.
    if (cell.firstChild !== null) return;
    cell.append(keyLink(row, open));
  };
}

/**
 * @param {KeyName} name
 * @param {(view: string) => void} open
 */
export function keyLink(name, open) {
  const text = `${lineOf(name.key, 100)}${name.shortened === true ? '…' : ''}`;
  if (keyPath(name) === null) return element('span', { class: 'key mono', title: lineOf(name.key, 2000), text });
  const view = `keys/${addressOfKey(name)}`;
  const onClick = (/** @type {Event} */ event) => {
    event.preventDefault();
    open(view);
  };
  const link = element('a', { class: 'key mono', href: `#${view}`, on: { click: onClick } });
  link.title = lineOf(name.key, 2000);
  setText(link, text);
  return link;
}
