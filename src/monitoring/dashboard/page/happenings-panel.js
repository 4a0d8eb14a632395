/** @import { HappeningRow } from './happening-rows.js' */
/** @import { PanelContext } from './panels.js' */
import { createCard } from './card.js';
import { element, fill } from './element.js';
import { formatWhen } from './format.js';
import { happeningRows } from './happening-rows.js';
import { lineOf } from './key-text.js';
import { owners } from './owners.js';
import { painter } from './painter.js';

/** @type {Readonly<Record<HappeningRow['kind'], readonly [string, 'ok' | 'warn' | 'bad' | 'accent' | 'plain']>>} */
const kinds = {
  lost: ['lost', 'bad'],
  joined: ['joined', 'ok'],
  left: ['left', 'warn'],
  back: ['back', 'ok'],
  drained: ['drained', 'accent'],
  restarted: ['restarted', 'accent'],
  leader: ['leader', 'plain'],
  'handed-over': ['handed over', 'accent'],
  offline: ['offline', 'bad'],
  online: ['online', 'ok'],
  reset: ['reset', 'bad'],
  settings: ['settings', 'plain'],
  'shard-restarted': ['shard restarted', 'bad'],
};

/**
 * What happened to the cluster, line by line.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createHappeningsPanel(root, { feed }) {
  const { card, body } = createCard(root, { title: 'What happened', name: 'happenings' });
  const list = element('ol', { class: 'happenings', tabindex: 0, 'aria-label': 'What happened' });
  const empty = element('p', { class: 'empty', text: 'Nothing has happened since these nodes were started.' });
  body.append(list, empty);
  const repaint = painter(card, () => {
    const rows = happeningRows(feed.last('happenings') ?? [], feed.last('failovers') ?? []);
    empty.hidden = rows.length > 0;
    list.hidden = rows.length === 0;
    fill(list, ...rows.map(happeningItem));
  });
  feed.on('happenings', repaint);
  feed.on('failovers', repaint);
}

/** @param {HappeningRow} row */
function happeningItem({ atMs, by, kind, node, text }) {
  // Another version of the node may know more kinds.
  const [word, level] = kinds[kind] ?? [lineOf(String(kind), 30), 'plain'];
  return element(
    'li',
    { class: 'happening', 'data-kind': kind },
    element('time', { class: 'muted nowrap', datetime: new Date(atMs).toISOString(), text: formatWhen(atMs) }),
    element('span', { class: level === 'plain' ? 'badge' : `badge badge--${level}`, text: word }),
    element(
      'span',
      { class: 'happening-text' },
      node === null ? null : element('span', { class: 'owner', style: { '--owner': owners.colorOf(node) } }),
      lineOf(text, 500),
    ),
    element('span', { class: 'muted nowrap', text: by === '' ? '' : `seen by ${lineOf(by, 40)}` }),
  );
}
