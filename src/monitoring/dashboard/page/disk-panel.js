/** @import { DiskSample, SnapshotsSample } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
import { createCard } from './card.js';
import { element, fill, setText } from './element.js';
import { figure } from './figure.js';
import { formatAgo, formatBytes, formatDuration, formatNumber, formatWhole, sentence } from './format.js';
import { painter } from './painter.js';

/** @type {Readonly<Record<DiskSample['fsync'], string>>} */
const POLICIES = {
  always: 'written and synced before each reply',
  everysec: 'written before each reply, synced once a second',
  no: 'written before each reply, synced when the system likes',
};

/**
 * How the keys that a node keeps get to the disk. A node that keeps none has no such card.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createDiskPanel(root, { feed, samples }) {
  if (feed.last('hello')?.keepsKeys !== true) return;
  const { card, note, body } = createCard(root, { title: 'Disk', span: 12, name: 'disk' });
  const trouble = element('p', { class: 'disk-trouble' });
  const figures = element('dl', { class: 'figures' });
  body.append(trouble, figures);
  const repaint = painter(card, () => {
    const disk = samples.latest?.disk ?? null;
    if (disk === null) return;
    setText(note, POLICIES[disk.fsync]);
    setText(trouble, disk.troubles.map(sentence).join(' '));
    trouble.hidden = disk.troubles.length === 0;
    fill(figures, ...logFigures(disk), ...(disk.snapshots === null ? [] : snapshotFigures(disk.snapshots)));
  });
  samples.onChange(repaint);
  repaint();
}

/** @param {DiskSample} disk */
function logFigures({ isWell, writtenBytes, syncs, syncMs, waiting, unsynced }) {
  return [
    figure('Log', isWell ? 'well' : 'not written', isWell ? '' : 'bad', 'Whether changes reach the disk'),
    figure('Written', `${formatBytes(writtenBytes)}/s`, '', 'Bytes of changes that were written'),
    figure(
      'Syncs',
      syncMs === null ? `${formatNumber(syncs)}/s` : `${formatNumber(syncs)}/s of ${formatDuration(syncMs)}`,
      '',
      'How often what was written was made sure to be on the disk, and how long that took',
    ),
    figure(
      'Waiting',
      formatWhole(waiting),
      '',
      'Changes that the log does not have yet; replies wait for it, unless writes go on without',
    ),
    figure('Not synced', formatWhole(unsynced), '', 'Changes that are lost if the machine stops now'),
  ];
}

/** @param {SnapshotsSample} snapshots */
function snapshotFigures({
  isRunning,
  runningEntries,
  lastAtMs,
  isLastDone,
  lastTookMs,
  entries,
  bytes,
  logBytes,
  changes,
}) {
  const last = lastAtMs === 0 ? 'none yet' : formatAgo(lastAtMs);
  return [
    figure(
      'Snapshot',
      isRunning ? `${formatWhole(runningEntries)} keys written` : last,
      isLastDone ? '' : 'warn',
      isLastDone ? 'When the newest was made, or how far the one being made is' : 'The last one could not be finished',
    ),
    figure('Its size', formatBytes(bytes), '', `${formatWhole(entries)} keys, made in ${formatDuration(lastTookMs)}`),
    figure('Log since', formatBytes(logBytes), '', `${formatWhole(changes)} changes to be read at a start`),
  ];
}
