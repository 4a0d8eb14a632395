import type { MetricRow } from './metric-row.ts';

/** What a label may not hold as it is: see the text format of Prometheus, version 0.0.4. */
const ESCAPED = /[\\"\n]/g;

/** A page in the text format of Prometheus, in the making: families one after another, each with its samples. */
export class MetricsText {
  #text = '';
  #name = '';

  /** Begins a family, to which the samples that follow belong. `help` is one line without backslashes. */
  family(name: string, type: MetricRow['type'] | 'histogram', help: string): void {
    this.#name = name;
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  sample(labels: Readonly<Record<string, string>>, value: number): void {
    this.line('', labelsText(labels), value);
  }

  /** A sample whose labels are text already, its name that of the family and what is behind it. */
  line(suffix: string, labels: string, value: number): void {
    this.#text += `${this.#name}${suffix}${labels === '' ? '' : `{${labels}}`} ${numberText(value)}\n`;
  }

  toString(): string {
    return this.#text;
  }
}

/** Labels as they stand between braces. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  let text = '';
  for (const name in labels) {
    const value = (labels[name] ?? '').replace(ESCAPED, (found) => (found === '\n' ? '\\n' : `\\${found}`));
    text += `${text === '' ? '' : ','}${name}="${value}"`;
  }
  return text;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
