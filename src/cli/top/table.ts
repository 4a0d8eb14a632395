import { cutRow, type Row, type Span, type Style, span } from './row.ts';
import { columnsOf, padded } from './text-columns.ts';

/** What a cell says; a text alone is in no style. */
export type Cell = string | Span;

export interface Column<Item> {
  readonly title: string;
  /** Figures end below each other. */
  readonly side: 'left' | 'right';
  /** Where there is no room for all columns, those of the highest rank go first; 0 is kept. */
  readonly rank: number;
  readonly cell: (item: Item) => Cell;
  /** What rows are sorted by: figures from the greatest, texts from the first of the alphabet. */
  readonly order?: (item: Item) => number | string;
}

/** The last column has what room is left: it is where texts of strangers stand, so that nothing is behind them. */
export interface Table<Item> {
  readonly title: string;
  readonly columns: readonly Column<Item>[];
  /** Said where there are no rows. */
  readonly empty: string;
}

/** By the column of an index; reversed: from the other end. */
export interface Sort {
  readonly by: number;
  readonly isReversed: boolean;
}

/** A table with its rows, whatever they are of. */
export interface Section {
  readonly title: string;
  readonly note: string;
  readonly count: number;
  /** Indices of the columns that rows can be sorted by. */
  readonly sortable: readonly number[];
  readonly titleOf: (column: number) => string;
  /** No more than so many columns and rows, its heading included; `cursor`: the row that is marked. */
  draw(columns: number, rows: number, sort: Sort | null, cursor: number | null): readonly Row[];
}

const GAP = 2;
const LAST_COLUMNS_MIN = 12;

export function sectionOf<Item>(table: Table<Item>, items: readonly Item[], note = ''): Section {
  const { title, columns: all } = table;
  return {
    title,
    note,
    count: items.length,
    sortable: all.flatMap(({ order }, at) => (order === undefined ? [] : [at])),
    titleOf: (column) => all[column]?.title ?? '',
    draw: (columns, rows, sort, cursor) =>
      drawn(table, sorted(table, items, sort), { note, columns, rows, sort, cursor }),
  };
}

/** Rows of a section that has all the room it can use. */
export function rowsNeeded({ count }: Section): number {
  return count === 0 ? 2 : count + 2;
}

/** The items in the order in which they are shown. */
export function sorted<Item>({ columns }: Table<Item>, items: readonly Item[], sort: Sort | null): readonly Item[] {
  const order = sort === null ? undefined : columns[sort.by]?.order;
  if (order === undefined) return items;
  const turn = sort?.isReversed === true ? -1 : 1;
  return [...items].sort((one, other) => turn * compared(order(one), order(other)));
}

function compared(one: number | string, other: number | string): number {
  if (typeof one === 'number' && typeof other === 'number') return other - one;
  return one === other ? 0 : one < other ? -1 : 1;
}

interface Room {
  readonly note: string;
  readonly columns: number;
  readonly rows: number;
  readonly sort: Sort | null;
  readonly cursor: number | null;
}

function drawn<Item>({ title, columns: all, empty }: Table<Item>, items: readonly Item[], room: Room): readonly Row[] {
  const { note, columns, rows, sort, cursor } = room;
  const head: Row[] = [cutRow([span(title, 'bold'), ...(note === '' ? [] : [span(`  ${note}`, 'dim')])], columns)];
  if (items.length === 0) return [...head, cutRow([span(empty, 'dim')], columns)].slice(0, rows);
  const titles = all.map((column, at) => titleOf(column.title, at, sort));
  const cells = items.map((item) => all.map((column) => spanOf(column.cell(item))));
  const shown = columnsThatFit(all, titles, cells, columns);
  head.push(rowOf(all, shown, (at) => span(titles[at] ?? '', 'dim'), columns, ''));
  const visible = Math.max(0, rows - head.length);
  const last = Math.max(0, items.length - visible);
  const first = cursor === null ? 0 : Math.min(last, Math.max(0, cursor - Math.floor(visible / 2)));
  const body = cells.slice(first, first + visible).map((row, at) => {
    const isMarked = cursor !== null && first + at === Math.min(cursor, items.length - 1);
    return rowOf(all, shown, (column) => row[column] ?? span(''), columns, isMarked ? 'inverse' : '');
  });
  return [...head, ...body].slice(0, rows);
}

function titleOf(title: string, at: number, sort: Sort | null): string {
  if (sort?.by !== at) return title;
  return `${title}${sort.isReversed ? '↑' : '↓'}`;
}

function spanOf(cell: Cell): Span {
  return typeof cell === 'string' ? span(cell) : cell;
}

interface Shown {
  readonly at: number;
  readonly width: number;
}

/** The columns that there is room for, and their widths. */
function columnsThatFit<Item>(
  all: readonly Column<Item>[],
  titles: readonly string[],
  cells: readonly (readonly Span[])[],
  columns: number,
): readonly Shown[] {
  const natural = all.map((_, at) => {
    let width = columnsOf(titles[at] ?? '');
    for (const row of cells) width = Math.max(width, columnsOf(row[at]?.text ?? ''));
    return width;
  });
  const last = all.length - 1;
  const least = (at: number) => Math.min(natural[at] ?? 0, at === last ? LAST_COLUMNS_MIN : columns);
  let kept = all.map((_, at) => at);
  const needed = () => kept.reduce((sum, at) => sum + least(at) + GAP, -GAP);
  while (needed() > columns) {
    const rank = Math.max(...kept.map((at) => all[at]?.rank ?? 0));
    if (rank === 0) break;
    // Of those of one rank, the last goes first.
    const gone = kept.filter((at) => all[at]?.rank === rank).at(-1);
    kept = kept.filter((at) => at !== gone);
  }
  return kept.map((at, place) => {
    if (place < kept.length - 1) return { at, width: natural[at] ?? 0 };
    const used = kept.slice(0, -1).reduce((sum, each) => sum + (natural[each] ?? 0) + GAP, 0);
    return { at, width: Math.max(0, Math.min(natural[at] ?? 0, columns - used)) };
  });
}

function rowOf<Item>(
  all: readonly Column<Item>[],
  shown: readonly Shown[],
  cell: (at: number) => Span,
  columns: number,
  mark: Style,
): Row {
  const row: Span[] = [];
  for (const [place, { at, width }] of shown.entries()) {
    if (place > 0) row.push(span(' '.repeat(GAP), mark));
    const { text, style } = cell(at);
    row.push(span(padded(text, width, all[at]?.side === 'right' ? 'right' : 'left'), mark === '' ? style : mark));
  }
  return cutRow(row, columns);
}
