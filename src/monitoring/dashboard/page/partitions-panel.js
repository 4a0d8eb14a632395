/** @import { ClusterReport } from '../../../command/cluster-report.ts' */
/** @import { PanelContext } from './panels.js' */
import { createCard } from './card.js';
import { element, fill, setText } from './element.js';
import { formatWhole } from './format.js';
import { lineOf } from './key-text.js';
import { owners } from './owners.js';
import { painter } from './painter.js';
import { paintPartitions } from './partition-canvas.js';
import { gridOf, neighbourOf, partitionAt } from './partition-grid.js';
import { copiesWanted, partitionFacts } from './partition-state.js';

/**
 * All partitions as squares in the colours of the nodes that own them.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createPartitionsPanel(root, { feed, theme }) {
  const { card, note, body } = createCard(root, { title: 'Partitions', name: 'partitions' });
  const legend = element('ul', { class: 'legend' });
  const canvas = element('canvas', {
    class: 'partition-map',
    tabindex: 0,
    role: 'img',
    'aria-label': 'Partitions by owner; arrow keys go from one to the next',
    'aria-describedby': 'partition-facts',
  });
  const frame = element('div', { class: 'partition-frame' }, canvas);
  const facts = element('p', { class: 'partition-facts', id: 'partition-facts', 'aria-live': 'polite' });
  body.append(legend, element('div', { class: 'partition-body' }, frame, facts));
  let widthPx = 0;
  let pointed = -1;
  let focused = -1;
  /** @type {string | null} */
  let emphasized = null;

  const repaint = painter(card, () => {
    const report = feed.last('cluster')?.report;
    const table = report?.table ?? [];
    if (report === undefined || table.length === 0 || widthPx === 0) return;
    const wanted = copiesWanted(report);
    const selected = pointed >= 0 ? pointed : focused;
    setText(note, `${formatWhole(table.length)}, each in the colour of its primary`);
    paintLegend(legend, report, (node) => {
      emphasized = node;
      repaint();
    });
    paintPartitions(canvas, gridOf(table.length, widthPx), { table, wanted, emphasized, selected }, theme);
    const partition = table[selected];
    fill(facts, ...(partition === undefined ? hintsOf() : factsOf(partitionFacts(partition, wanted))));
  });
  feed.on('cluster', repaint);
  theme.onChange(repaint);
  new ResizeObserver(([entry]) => {
    widthPx = Math.floor(entry?.contentRect.width ?? 0);
    repaint();
  }).observe(frame);

  const gridNow = () => gridOf(feed.last('cluster')?.report.table?.length ?? 1, Math.max(widthPx, 1));
  canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
    pointed = partitionAt(gridNow(), offsetX, offsetY);
    repaint();
  });
  canvas.addEventListener('pointerdown', ({ offsetX, offsetY }) => {
    focused = partitionAt(gridNow(), offsetX, offsetY);
    repaint();
  });
  canvas.addEventListener('pointerleave', () => {
    pointed = -1;
    repaint();
  });
  canvas.addEventListener('focus', () => {
    focused = Math.max(focused, 0);
    repaint();
  });
  canvas.addEventListener('blur', () => {
    focused = -1;
    repaint();
  });
  canvas.addEventListener('keydown', (event) => {
    const next = neighbourOf(gridNow(), Math.max(focused, 0), event.key);
    if (next === null) return;
    event.preventDefault();
    focused = next;
    pointed = -1;
    repaint();
  });
}

/**
 * The nodes with their colours; the one that is pointed at or has the focus stands out in the map.
 *
 * @param {HTMLElement} legend
 * @param {ClusterReport} report
 * @param {(node: string | null) => void} emphasize
 */
function paintLegend(legend, { nodes, partitions }, emphasize) {
  const wanted = [...nodes].sort((one, other) => (one.id < other.id ? -1 : 1));
  const key = wanted.map(({ id }) => id).join('\n');
  if (legend.dataset['nodes'] !== key) {
    legend.dataset['nodes'] = key;
    const items = wanted.map(({ id }) => {
      const button = element(
        'button',
        { type: 'button', class: 'legend-node' },
        element('span', { class: 'owner', style: { '--owner': owners.colorOf(id) } }),
        element('span', { text: lineOf(id, 40) }),
        element('span', { class: 'muted' }),
      );
      for (const event of ['pointerenter', 'focus']) button.addEventListener(event, () => emphasize(id));
      for (const event of ['pointerleave', 'blur']) button.addEventListener(event, () => emphasize(null));
      return element('li', {}, button);
    });
    const signs = [
      ['few', 'too few copies'],
      ['offline', 'offline'],
      ['moving', 'on its way'],
    ].map(([sign, text]) =>
      element('li', { class: 'legend-sign' }, element('span', { class: `sign sign--${sign}` }), text),
    );
    fill(legend, ...items, ...signs);
  }
  for (const [at, { primaries }] of wanted.entries()) {
    const count = legend.children[at]?.querySelector('.muted');
    if (count) setText(count, partitions.total === 0 ? '' : formatWhole(primaries));
  }
}

/** @param {ReturnType<typeof partitionFacts>} facts */
function factsOf({ title, slots, primary, epoch, others, filling, state }) {
  return [
    element('strong', { text: title }),
    element('span', { text: slots }),
    primary === null
      ? element('span', { class: 'figure--bad', text: 'nobody serves it' })
      : element('span', {}, 'primary ', nodeChip(primary)),
    element('span', { text: epoch }),
    others.length > 0 && element('span', {}, 'in sync ', ...others.map(nodeChip)),
    filling.length > 0 && element('span', {}, 'on the way to ', ...filling.map(nodeChip)),
    element('span', { class: 'muted', text: state }),
  ];
}

function hintsOf() {
  return [element('span', { class: 'muted', text: 'Point at a partition for its slots, epoch and copies.' })];
}

/** @param {string} node */
function nodeChip(node) {
  return element(
    'span',
    { class: 'node-chip' },
    element('span', { class: 'owner', style: { '--owner': owners.colorOf(node) } }),
    lineOf(node, 40),
  );
}
