/** @import { Failover } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
/** @import { Stage } from './failover-stages.js' */
import { createCard } from './card.js';
import { element, fill, setText } from './element.js';
import { failoverStages, keysLostText, takenByText } from './failover-stages.js';
import { formatDuration, formatTimeMs, formatWhen } from './format.js';
import { lineOf } from './key-text.js';
import { owners } from './owners.js';
import { painter } from './painter.js';

const shownMax = 20;

/**
 * What happened when nodes were lost: stage by stage, with times.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createFailoversPanel(root, { feed }) {
  const { card, note, body } = createCard(root, { title: 'Failovers', name: 'failovers' });
  const list = element('ol', { class: 'failovers' });
  const empty = element('p', {
    class: 'empty',
    text: 'No node was lost since the nodes that are here began to watch.',
  });
  body.append(list, empty);
  const repaint = painter(card, () => {
    const failovers = feed.last('failovers') ?? [];
    empty.hidden = failovers.length > 0;
    setText(note, failovers.length > shownMax ? `the last ${shownMax} of ${failovers.length}` : '');
    const items = failovers.slice(0, shownMax).map((failover) => failoverItem(failover, Date.now()));
    if (items.length !== list.children.length || items.some((item, at) => !item.isEqualNode(list.children[at] ?? null)))
      fill(list, ...items);
  });
  feed.on('failovers', repaint);
  // One that goes on grows with the time, and begins with the news of a node that is gone.
  feed.on('sample', () => {
    if (feed.last('failovers')?.some(({ endedAtMs }) => endedAtMs === null)) repaint();
  });
}

/**
 * @param {Failover} failover
 * @param {number} nowMs
 */
function failoverItem(failover, nowMs) {
  const { stages, spans, isOver, startMs, totalMs } = failoverStages(failover, nowMs);
  const outcome = isOver
    ? element('span', { class: 'badge badge--ok', text: `over after ${formatDuration(totalMs)}` })
    : element('span', { class: 'badge badge--bad', text: 'going on' });
  const lost = element(
    'span',
    { class: failover.keysLost === 0 ? 'badge badge--ok' : 'badge badge--bad' },
    `keys lost: ${keysLostText(failover)}`,
  );
  const head = element(
    'header',
    { class: 'failover-head' },
    element('span', { class: 'owner', style: { '--owner': owners.colorOf(failover.node) } }),
    element('strong', { text: lineOf(failover.node, 60) }),
    element('span', { class: 'muted', text: startMs === null ? '' : formatWhen(startMs) }),
    outcome,
    lost,
  );
  return element(
    'li',
    { class: 'failover', 'data-node': failover.node },
    head,
    element('p', { class: 'failover-text', text: takeoverText(failover) }),
    track(stages, spans, isOver),
    stampList(stages, failover),
  );
}

/** @param {Failover} failover */
function takeoverText(failover) {
  const { partitions, lostPartitions } = failover;
  const lost = lostPartitions === 0 ? '' : ` Nobody else had a copy in sync of ${countedPartitions(lostPartitions)}.`;
  if (partitions === 0) return `No partition has another primary yet.${lost}`;
  return `${countedPartitions(partitions)} got another primary: ${lineOf(takenByText(failover), 400)}.${lost}`;
}

/** @param {number} count */
function countedPartitions(count) {
  return count === 1 ? '1 partition' : `${count} partitions`;
}

/**
 * @param {readonly Stage[]} stages
 * @param {ReturnType<typeof failoverStages>['spans']} spans
 * @param {boolean} isOver
 */
function track(stages, spans, isOver) {
  const line = element('div', { class: isOver ? 'track' : 'track track--open', 'aria-hidden': 'true' });
  for (const { name, from, to, ms } of spans) {
    const style = { left: percent(from), width: percent(to - from) };
    const text = to - from > 0.09 ? formatDuration(ms) : '';
    line.append(element('span', { class: `track-span stage--${name}`, style, title: formatDuration(ms), text }));
  }
  for (const { name, atMs, place } of stages) {
    if (atMs === null) continue;
    line.append(element('span', { class: `track-mark stage--${name}`, style: { left: percent(place) } }));
  }
  return line;
}

/**
 * @param {readonly Stage[]} stages
 * @param {Failover} failover
 */
function stampList(stages, { promotedAtMs, promotedLastAtMs }) {
  const items = stages.map(({ name, title, atMs, offsetMs }) => {
    const isLong = name === 'promoted' && promotedAtMs !== null && promotedLastAtMs !== null;
    const tail =
      isLong && promotedLastAtMs > promotedAtMs
        ? `, the last ${formatDuration(promotedLastAtMs - promotedAtMs)} later`
        : '';
    const offset = offsetMs === null ? 'not seen' : offsetMs === 0 ? 'at first' : `+${formatDuration(offsetMs)}`;
    return element(
      'div',
      { class: `stamp stage--${name}`, 'data-stage': name },
      element('dt', { text: title }),
      element('dd', {}, element('strong', { text: offset }), element('span', { class: 'muted', text: tail })),
      element('dd', { class: 'muted', text: atMs === null ? '' : formatTimeMs(atMs) }),
    );
  });
  return element('dl', { class: 'stamps' }, ...items);
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(3)}%`;
}
