/** What repeated measurements of one quantity came to. */
export interface Summary {
  min: number;
  median: number;
  max: number;
  /** The measurements in the order they were taken. */
  samples: number[];
}

/** A cell is text, a number, a summary (printed "median [min … max]") or null for "not measured". */
export type Cell = string | number | Summary | null;

export interface Column {
  /** Heading of the column, and key of its cells in JSON. Put the unit in it: "GET k/s". */
  name: string;
  /** Digits after the point for numbers and summaries; 2 when absent. */
  digits?: number;
}

export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const lower = sorted.length % 2 === 0 ? (sorted[middle - 1] ?? Number.NaN) : upper;
  return {
    min: sorted[0] ?? Number.NaN,
    median: (lower + upper) / 2,
    max: sorted.at(-1) ?? Number.NaN,
    samples: [...samples],
  };
}

/** Pair by pair a[i] / b[i]: the figure that counts on a noisy machine, when both were measured in turns. */
export function ratio(a: readonly number[], b: readonly number[]): Summary {
  const pairs = Math.min(a.length, b.length);
  return summarize(Array.from({ length: pairs }, (_, i) => (a[i] as number) / (b[i] as number)));
}

/** Measures every subject once a round, in turns (A B C A B C …), and returns each subject's samples. */
export async function interleave<Name extends string>(
  rounds: number,
  subjects: Readonly<Record<Name, () => number | Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(subjects) as Name[];
  const samples = {} as Record<Name, number[]>;
  for (const name of names) samples[name] = [];
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples[name].push(await subjects[name]());
  }
  return samples;
}

/** One table of a report; rows appear in the order they are added. */
export class Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: Cell[][] = [];

  constructor(title: string, columns: readonly Column[]) {
    this.title = title;
    this.columns = columns;
  }

  row(...cells: Cell[]): void {
    if (cells.length !== this.columns.length) {
      throw new RangeError(`${this.title}: ${cells.length} cells for ${this.columns.length} columns`);
    }
    this.rows.push(cells);
  }

  /** The table as text: the first column flush left, the others flush right. */
  toText(): string {
    const lines = [
      this.columns.map((column) => column.name),
      ...this.rows.map((row) => row.map((cell, i) => formatCell(cell, this.columns[i]?.digits ?? 2))),
    ];
    const widths = this.columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
    const body = lines.map((line) =>
      line
        .map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    );
    const rule = widths.map((width) => '-'.repeat(width)).join('  ');
    return [this.title, body[0], rule, ...body.slice(1)].join('\n');
  }

  toJson(): object {
    const rows = this.rows.map((row) => Object.fromEntries(row.map((cell, i) => [this.columns[i]?.name ?? '', cell])));
    return { title: this.title, rows };
  }
}

/** What a benchmark found: tables, notes, failed checks. Progress goes to standard error, so `--json` stays clean. */
export class Report {
  readonly name: string;
  readonly tables: Table[] = [];
  readonly notes: string[] = [];
  /** Wrong answers seen while measuring; any makes the run fail. */
  readonly failures: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** Starts a table; add its rows with {@link Table.row}. */
  table(title: string, columns: readonly Column[]): Table {
    const table = new Table(title, columns);
    this.tables.push(table);
    return table;
  }

  /** A line below the tables: what was skipped and why, the conditions of the run. */
  note(text: string): void {
    this.notes.push(text);
  }

  /** Records a failure unless the answer was right; returns `right`. */
  check(right: boolean, failure: string): boolean {
    if (!right) this.failures.push(failure);
    return right;
  }

  /** Tells whoever waits at the terminal what goes on. */
  progress(text: string): void {
    process.stderr.write(`${this.name}: ${text}\n`);
  }

  toText(): string {
    return [
      ...this.tables.map((table) => `${table.toText()}\n`),
      ...this.notes.map((note) => `note: ${note}`),
      ...this.failures.map((failure) => `WRONG: ${failure}`),
    ].join('\n');
  }

  toJson(): object {
    return {
      bench: this.name,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      date: new Date().toISOString(),
      tables: this.tables.map((table) => table.toJson()),
      notes: this.notes,
      failures: this.failures,
    };
  }
}

function formatCell(cell: Cell, digits: number): string {
  if (cell === null) return '-';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number') return cell.toFixed(digits);
  return `${cell.median.toFixed(digits)} [${cell.min.toFixed(digits)} … ${cell.max.toFixed(digits)}]`;
}
