import { duration } from './figures.ts';
import { keyHelp } from './keys.ts';
import { cutRow, fitted, type Row, span } from './row.ts';
import { type Link, shownOf, type TopState, viewNames } from './state.ts';
import { summaryRows, titleRow } from './summary.ts';
import { rowsNeeded, type Section } from './table.ts';
import { cut, padded, seen } from './text-columns.ts';
import { sectionsOf } from './views.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A body of fewer rows shows nothing: the summary gives way. */
const BODY_ROWS_MIN = 5;
/** The rows of the summary that stay where there is room for few. */
const SUMMARY_ROWS_MIN = 2;
/** A section that stands with others, and has less than this, is left out. */
const SECTION_ROWS_MIN = 3;
/** Where nobody can look further down. */
const ROWS_PRINTED_MAX = 22;

/** The screen: as many rows as there are, none longer than it is wide. */
export function frameOf(state: TopState, size: Size, nowMs: number): readonly Row[] {
  const columns = Math.max(1, size.columns);
  const rows = Math.max(1, size.rows);
  const known = shownOf(state);
  const title = titleRow(known, state.link, state.frozen !== null, columns);
  const foot = footRow(state, columns, nowMs);
  // Title, tabs and foot.
  const summaryMax = Math.max(SUMMARY_ROWS_MIN, rows - 3 - BODY_ROWS_MIN);
  const summary = summaryRows(known, state.link, columns, nowMs).slice(0, summaryMax);
  const head = [title, ...summary, tabsRow(state, columns)];
  const bodyRows = Math.max(0, rows - head.length - 1);
  const body = state.isHelp ? helpRows() : bodyOf(state, { columns, rows: bodyRows }, nowMs);
  const screen = [...head, ...body.slice(0, bodyRows)].slice(0, rows - 1);
  while (screen.length < rows - 1) screen.push([]);
  return [...screen, foot].map((row) => cutRow(row, columns));
}

/** All there is to see at once, for where there is no screen. */
export function printedFrame(state: TopState, columns: number, nowMs: number): readonly Row[] {
  const { known, link } = state;
  const missing = link.kind === 'open' ? link.source.missing : '';
  // That is told at the end, in a row as long as it takes.
  const linkAbove: Link = link.kind === 'open' ? { ...link, source: { ...link.source, missing: '' } } : link;
  const rows: Row[] = [titleRow(known, link, false, columns), ...summaryRows(known, linkAbove, columns, nowMs)];
  for (const section of printedSections(state, nowMs)) {
    rows.push([], ...section.draw(columns, ROWS_PRINTED_MAX, null, null));
    if (rowsNeeded(section) > ROWS_PRINTED_MAX) rows.push([span(`… of ${section.count}`, 'dim')]);
  }
  return missing === '' ? rows : [...rows, [], [span(seen(missing), 'warn')]];
}

/** Every section of every view that says something, once. */
function printedSections({ known, link }: TopState, nowMs: number): readonly Section[] {
  const byTitle = new Map<string, Section>();
  for (const view of viewNames) {
    for (const section of sectionsOf(view, known, link, nowMs)) {
      if (section.count > 0 && !byTitle.has(section.title)) byTitle.set(section.title, section);
    }
  }
  return [...byTitle.values()];
}

function tabsRow({ view }: TopState, columns: number): Row {
  const tabs = viewNames.map((name, at): Row => [span(` ${at + 1} ${name} `, name === view ? 'inverse' : 'dim')]);
  const all = tabs.flat();
  if (all.reduce((sum, { text }) => sum + text.length, 0) <= columns) return all;
  // No room for the names: numbers, and the name of the one that is shown.
  return cutRow(
    viewNames.map((name, at) =>
      span(name === view ? ` ${at + 1} ${name} ` : ` ${at + 1} `, name === view ? 'inverse' : 'dim'),
    ),
    columns,
  );
}

function bodyOf(state: TopState, { columns, rows }: Size, nowMs: number): readonly Row[] {
  const { view, link } = state;
  const sections = sectionsOf(view, shownOf(state), link, nowMs);
  const isWalked = view !== 'overview';
  const heights = shareRows(sections.map(rowsNeeded), rows);
  const body: Row[] = [];
  for (const [at, section] of sections.entries()) {
    const height = heights[at] ?? 0;
    if (height === 0) continue;
    if (body.length > 0) body.push([]);
    const isFirst = at === 0;
    const cursor = isFirst && isWalked && section.count > 0 ? state.cursor : null;
    body.push(...section.draw(columns, height, isFirst ? (state.sorts[view] ?? null) : null, cursor));
  }
  return body;
}

/**
 * How many of the rows each section gets, one of which stands empty between two: as many as it needs, or an even share with
 * the others that need more. The last ones are left out where there is no room for all.
 */
export function shareRows(needed: readonly number[], rows: number): readonly number[] {
  const shown = Math.min(needed.length, Math.max(1, Math.floor((rows + 1) / (SECTION_ROWS_MIN + 1))));
  const given = needed.map(() => 0);
  let left = rows - (shown - 1);
  for (let asking = shown; left > 0 && asking > 0; ) {
    const each = Math.max(1, Math.floor(left / asking));
    asking = 0;
    let gave = 0;
    for (let at = 0; at < shown; at++) {
      const wants = (needed[at] ?? 0) - (given[at] ?? 0);
      const gets = Math.min(each, wants, left);
      if (gets <= 0) continue;
      given[at] = (given[at] ?? 0) + gets;
      left -= gets;
      gave += gets;
      if (wants > gets) asking++;
    }
    if (gave === 0) break;
  }
  return given;
}

function footRow(state: TopState, columns: number, nowMs: number): Row {
  const { link, view } = state;
  if (link.kind === 'lost') {
    const waitMs = Math.max(0, link.retryAtMs - nowMs);
    const next = waitMs < 500 ? 'trying again' : `trying again in ${duration(Math.ceil(waitMs / 1000) * 1000)}`;
    return [span(cut(`${seen(link.reason)} (${next}; q quits)`, columns), 'bad')];
  }
  const [section] = sectionsOf(view, shownOf(state), link, nowMs);
  const sort = state.sorts[view];
  const by = sort === undefined || section === undefined ? '' : `: ${section.titleOf(sort.by)}`;
  const keys = [
    ['q', 'quit'],
    ['Tab', 'next'],
    ['p', state.frozen === null ? 'pause' : 'go on'],
    ...(section !== undefined && section.sortable.length > 0 ? [['s', `sort${by}`]] : []),
    ...(view === 'cluster' ? [['Enter', 'look at that node']] : []),
    ['?', 'help'],
  ];
  return fitted(
    keys.map(([key = '', does = '']): Row => [span(key, 'bold'), span(` ${does}`)]),
    columns,
  );
}

function helpRows(): readonly Row[] {
  return keyHelp.map(([key, does]) => [span(padded(key, 16), 'bold'), span(does)]);
}
