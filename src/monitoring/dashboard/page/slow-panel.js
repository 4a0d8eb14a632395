/** @import { SlowCommand } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
import { createCard } from './card.js';
import { DataTable, textCell } from './data-table.js';
import { element, fill } from './element.js';
import { formatDuration, formatWhen } from './format.js';
import { lineOf } from './key-text.js';
import { painter } from './painter.js';

/**
 * The slow log.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createSlowPanel(root, { feed }) {
  const { card, body } = createCard(root, {
    title: 'Slow commands',
    note: 'the latest first; what counts as slow is the option slow-log-threshold',
    name: 'slow',
  });
  /** @type {DataTable<SlowCommand>} */
  const table = new DataTable({
    name: 'Slow commands',
    empty: 'No command was slow.',
    keyOf: ({ id }) => String(id),
    columns: [
      { title: 'When', paint: textCell(({ atMs }) => formatWhen(atMs), 'nowrap'), sort: ({ id }) => id },
      {
        title: 'Took',
        kind: 'number',
        paint: textCell(({ durationMs }) => formatDuration(durationMs)),
        sort: ({ durationMs }) => durationMs,
      },
      { title: 'Command', kind: 'wide', paint: paintWords, sort: ({ words }) => words[0]?.toUpperCase() ?? '' },
      { title: 'Client', paint: textCell(({ client }) => lineOf(client, 60), 'nowrap'), sort: ({ client }) => client },
    ],
  });
  body.append(table.root);
  const repaint = painter(card, () => table.update(feed.last('slow') ?? []));
  feed.on('slow', repaint);
}

/**
 * @param {HTMLTableCellElement} cell
 * @param {SlowCommand} row
 */
function paintWords(cell, { words }) {
  // What an entry of the log says never changes.
  if (cell.firstChild !== null) return;
  const [name = '', ...rest] = words;
  cell.classList.add('words', 'mono');
  const parts = rest.flatMap((word) => [' ', element('span', { class: 'word', text: lineOf(word, 200) })]);
  fill(cell, element('strong', { text: lineOf(name.toUpperCase(), 40) }), ...parts);
}
