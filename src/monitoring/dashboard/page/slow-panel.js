/** @import { SlowGroup } from './slow-groups.js' */
/** @import { PanelContext } from './panels.js' */
import { createCard } from './card.js';
import { DataTable, textCell } from './data-table.js';
import { element, fill } from './element.js';
import { formatDuration, formatWhen } from './format.js';
import { lineOf } from './key-text.js';
import { painter } from './painter.js';
import { slowGroups } from './slow-groups.js';

/**
 * The slow log.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createSlowPanel(root, { feed }) {
  const { card, body } = createCard(root, {
    title: 'Slow commands',
    note: 'the latest first, those of a pipeline in one line; the time includes waiting for the node (--slow-log-threshold)',
    name: 'slow',
  });
  /** @type {DataTable<SlowGroup>} */
  const table = new DataTable({
    name: 'Slow commands',
    empty: 'No command was slow.',
    keyOf: ({ first }) => String(first.id),
    isStacked: true,
    rowsMax: 30,
    columns: [
      {
        title: 'When',
        paint: textCell(({ first }) => formatWhen(first.atMs), 'nowrap'),
        sort: ({ first }) => first.id,
      },
      {
        title: 'Took',
        kind: 'number',
        paint: textCell(({ first }) => formatDuration(first.durationMs)),
        sort: ({ first }) => first.durationMs,
      },
      { title: 'Command', kind: 'wide', paint: paintWords, sort: ({ first }) => first.words[0]?.toUpperCase() ?? '' },
      {
        title: 'Client',
        paint: textCell(({ first }) => lineOf(first.client, 60), 'nowrap'),
        sort: ({ first }) => first.client,
      },
    ],
  });
  body.append(table.root);
  const repaint = painter(card, () => table.update(slowGroups(feed.last('slow') ?? [])));
  feed.on('slow', repaint);
}

/**
 * @param {HTMLTableCellElement} cell
 * @param {SlowGroup} row
 */
function paintWords(cell, { first, count }) {
  // What an entry of the log says never changes; how many were slow with it may.
  const times = count > 1 ? ` ×${count}` : '';
  if (cell.dataset['times'] === times) return;
  cell.dataset['times'] = times;
  const [name = '', ...rest] = first.words;
  cell.classList.add('words', 'mono');
  const parts = rest.flatMap((word) => [' ', element('span', { class: 'word', text: lineOf(word, 200) })]);
  fill(
    cell,
    element(
      'span',
      { class: 'words-text' },
      element('strong', { text: `${lineOf(name.toUpperCase(), 40)}${times}` }),
      ...parts,
    ),
  );
}
