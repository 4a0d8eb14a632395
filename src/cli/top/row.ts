import { columnsOf, cut } from './text-columns.ts';

/** How a text is to be shown; '' is as everything else. */
export type Style = '' | 'dim' | 'bold' | 'good' | 'warn' | 'bad' | 'accent' | 'inverse';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** One row of the screen, from its first column on. Its texts are {@link seen}. */
export type Row = readonly Span[];

export function span(text: string, style: Style = ''): Span {
  return { text, style };
}

export function widthOf(row: Row): number {
  let columns = 0;
  for (const { text } of row) columns += columnsOf(text);
  return columns;
}

/** A row of no more than so many columns. */
export function cutRow(row: Row, columns: number): Row {
  if (widthOf(row) <= columns) return row;
  const kept: Span[] = [];
  let left = columns;
  for (const { text, style } of row) {
    if (left <= 0) break;
    const part = cut(text, left);
    kept.push({ text: part, style });
    left -= columnsOf(part);
    if (part !== text) break;
  }
  return kept;
}

/** The parts that have room beside each other, two columns apart: those that have none, and all behind them, are left out. */
export function fitted(parts: readonly Row[], columns: number): Row {
  const row: Span[] = [];
  let used = 0;
  for (const part of parts) {
    const width = widthOf(part);
    if (width === 0) continue;
    const gap = row.length === 0 ? 0 : 2;
    if (used + gap + width > columns) {
      if (row.length === 0) return cutRow(part, columns);
      break;
    }
    if (gap > 0) row.push(span('  '));
    row.push(...part);
    used += gap + width;
  }
  return row;
}

const codes: Readonly<Record<Style, string>> = {
  '': '',
  dim: '2',
  bold: '1',
  good: '32',
  warn: '33',
  bad: '31;1',
  accent: '36',
  inverse: '7',
};

/** A row as text for a terminal that knows colours; ends in the style that it began in. */
export function colouredText(row: Row): string {
  return row.map(({ text, style }) => (style === '' ? text : `\x1b[${codes[style]}m${text}\x1b[0m`)).join('');
}

/** As {@link colouredText} where there are to be no colours: bold and inverse, which are none, are kept. */
export function styledText(row: Row): string {
  const isKept = (style: Style) => style === 'bold' || style === 'inverse' || style === 'bad';
  return row
    .map(({ text, style }) => (isKept(style) ? `\x1b[${style === 'inverse' ? 7 : 1}m${text}\x1b[0m` : text))
    .join('');
}

export function plainText(row: Row): string {
  return row
    .map(({ text }) => text)
    .join('')
    .trimEnd();
}
