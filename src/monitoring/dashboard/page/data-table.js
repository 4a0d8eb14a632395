import { element, fill, setText } from './element.js';
import { compared } from './prefix-rows.js';

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} title
 * @property {'number' | 'wide' | 'plain'} [kind] figures end below each other; `wide`: takes the room that is left
 * @property {string} [hint] what the column tells, where its title does not
 * @property {(cell: HTMLTableCellElement, row: Row) => void} paint called for each row at each update: what it made
 *   before is still in the cell
 * @property {(row: Row) => number | string | null} [sort] by which rows can be sorted; null: not known, which comes last
 */

/**
 * @template Row
 * @typedef {object} TableOptions
 * @property {string} name of the table, for screen readers
 * @property {readonly Column<Row>[]} columns
 * @property {(row: Row) => string} keyOf by which rows are known again
 * @property {string} empty what is said when there are no rows
 * @property {boolean} [isStacked] whether a row is a block of its own where the screen is narrow
 * @property {(row: Row) => boolean} [isLast] rows that stay below all others
 * @property {{readonly column: number, readonly isDescending: boolean}} [sorted] at first; left out: as they come
 */

/**
 * A table whose rows are made once and then updated: a selection, the focus and the place scrolled to outlive that.
 *
 * @template Row
 */
export class DataTable {
  /** @type {HTMLElement} */
  root;
  /** @type {TableOptions<Row>} */
  #options;
  /** @type {HTMLElement} */
  #body = element('tbody');
  /** @type {HTMLElement} */
  #frame;
  /** @type {HTMLElement} */
  #empty;
  /** @type {Map<string, HTMLTableRowElement>} */
  #made = new Map();
  /** @type {HTMLTableCellElement[]} */
  #headings;
  /** @type {{column: number, isDescending: boolean} | null} */
  #sorted;
  /** @type {readonly Row[]} */
  #rows = [];

  /** @param {TableOptions<Row>} options */
  constructor(options) {
    this.#options = options;
    this.#sorted = options.sorted ?? null;
    this.#headings = options.columns.map((column, at) => this.#heading(column, at));
    this.#empty = element('p', { class: 'empty', text: options.empty });
    this.#frame = element(
      'div',
      // One can scroll in it, so one must be able to get there without a mouse.
      { class: 'table-frame', role: 'region', tabindex: 0, 'aria-label': options.name },
      element(
        'table',
        { class: options.isStacked === true ? 'table data-table stacked' : 'table data-table' },
        element('thead', {}, element('tr', {}, ...this.#headings)),
        this.#body,
      ),
    );
    this.root = element('div', {}, this.#frame, this.#empty);
    this.#markSorted();
    this.update([]);
  }

  /** @param {readonly Row[]} rows */
  update(rows) {
    this.#rows = rows;
    this.#frame.hidden = rows.length === 0;
    this.#empty.hidden = rows.length > 0;
    /** @type {Map<string, HTMLTableRowElement>} */
    const kept = new Map();
    const { keyOf } = this.#options;
    /** @type {ChildNode | null} */
    let place = this.#body.firstChild;
    for (const row of this.#inOrder(rows)) {
      const key = keyOf(row);
      const line = this.#made.get(key) ?? this.#line();
      kept.set(key, line);
      this.#paint(line, row);
      if (line === place) place = place.nextSibling;
      else this.#body.insertBefore(line, place);
    }
    for (const [key, line] of this.#made) if (kept.get(key) !== line) line.remove();
    this.#made = kept;
  }

  /**
   * What is said while there are no rows.
   *
   * @param {string} text
   */
  sayEmpty(text) {
    setText(this.#empty, text);
  }

  /** @param {readonly Row[]} rows */
  #inOrder(rows) {
    const { columns, isLast = () => false } = this.#options;
    const figureOf = columns[this.#sorted?.column ?? -1]?.sort;
    const isDescending = this.#sorted?.isDescending ?? false;
    return [...rows].sort((one, other) => {
      if (isLast(one) !== isLast(other)) return isLast(one) ? 1 : -1;
      return figureOf === undefined ? 0 : compared(figureOf(one), figureOf(other), isDescending);
    });
  }

  #line() {
    const cells = this.#options.columns.map(({ title, kind = 'plain' }) =>
      element('td', { class: kind === 'plain' ? null : kind, 'data-title': title }),
    );
    return element('tr', {}, ...cells);
  }

  /**
   * @param {HTMLTableRowElement} line
   * @param {Row} row
   */
  #paint(line, row) {
    for (const [at, column] of this.#options.columns.entries()) {
      const cell = line.cells[at];
      if (cell !== undefined) column.paint(cell, row);
    }
  }

  /**
   * @param {Column<Row>} column
   * @param {number} at
   */
  #heading({ title, kind = 'plain', hint, sort }, at) {
    const heading = element('th', { scope: 'col', class: kind === 'plain' ? null : kind, title: hint });
    if (sort === undefined) {
      setText(heading, title);
      return heading;
    }
    const onClick = () => {
      const isDescending = this.#sorted?.column === at ? !this.#sorted.isDescending : kind === 'number';
      this.#sorted = { column: at, isDescending };
      this.#markSorted();
      this.update(this.#rows);
    };
    fill(heading, element('button', { class: 'sort', type: 'button', text: title, on: { click: onClick } }));
    return heading;
  }

  #markSorted() {
    for (const [at, heading] of this.#headings.entries()) {
      if (this.#sorted?.column === at) {
        heading.setAttribute('aria-sort', this.#sorted.isDescending ? 'descending' : 'ascending');
      } else heading.removeAttribute('aria-sort');
    }
  }
}

/**
 * @template Row
 * @param {(row: Row) => string} textOf
 * @param {string} [className] for the cell
 * @returns {(cell: HTMLTableCellElement, row: Row) => void}
 */
export function textCell(textOf, className) {
  return (cell, row) => {
    if (className !== undefined) cell.classList.add(className);
    setText(cell, textOf(row));
  };
}

/**
 * A figure with a bar of its share below it.
 *
 * @template Row
 * @param {(row: Row) => string} textOf
 * @param {(row: Row) => number | null} shareOf 0 to 1; null: no bar
 * @param {(row: Row) => '' | 'warn' | 'bad'} [levelOf]
 * @returns {(cell: HTMLTableCellElement, row: Row) => void}
 */
export function barCell(textOf, shareOf, levelOf = () => '') {
  return (cell, row) => {
    if (cell.firstChild === null) {
      cell.classList.add('bar-cell');
      const bar = element('span', { class: 'bar', 'aria-hidden': 'true' }, element('span', { class: 'bar-fill' }));
      cell.append(element('span', { class: 'bar-text' }), bar);
    }
    const [text, bar] = cell.children;
    if (text === undefined || !(bar instanceof HTMLElement)) return;
    setText(text, textOf(row));
    const share = shareOf(row);
    const level = levelOf(row);
    bar.style.setProperty('--share', String(Math.min(1, Math.max(0, share ?? 0))));
    bar.className = level === '' ? 'bar' : `bar bar--${level}`;
    bar.hidden = share === null;
  };
}
