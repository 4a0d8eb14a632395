import { counted } from '../counted.ts';
import { printable } from '../reply-formats.ts';

/** Different refusals that are told apart; further ones are counted together. */
const REFUSALS_TOLD = 10;
const OTHER_REFUSALS = 'other errors';

/** What became of the entries of an import or an export. */
export class Tally {
  /** Written, or with a dry run what would have been. */
  done = 0;
  /** Existed, and were left as they were. */
  existing = 0;
  /** Had expired when they were to be written. */
  expired = 0;
  /** Records that could not be read. */
  unreadable = 0;
  /** By reason: keys of a server that cannot be brought over. */
  readonly leftOut = new Map<string, number>();
  /** By error: what the server refused. */
  readonly refused = new Map<string, number>();
  readonly #beganMs = performance.now();

  /** Whether there is nothing that was to be brought over and was not. */
  get isWhole(): boolean {
    return this.unreadable === 0 && this.leftOut.size === 0 && this.refused.size === 0;
  }

  leaveOut(reason: string): void {
    this.leftOut.set(reason, (this.leftOut.get(reason) ?? 0) + 1);
  }

  refuse(error: string): void {
    const isKnown = this.refused.has(error) || this.refused.size < REFUSALS_TOLD;
    const name = isKnown ? error : OTHER_REFUSALS;
    this.refused.set(name, (this.refused.get(name) ?? 0) + 1);
  }

  get seconds(): number {
    return (performance.now() - this.#beganMs) / 1000;
  }

  /** Entries a second so far. */
  get rate(): number {
    return Math.round((this.done + this.existing) / Math.max(this.seconds, 0.001));
  }

  /** How many, in which time. `verb`: what was done to them: 'imported'. */
  headline(verb: string): string {
    const entries = `${thousands(this.done)} ${this.done === 1 ? 'entry' : 'entries'}`;
    return `${entries} ${verb} in ${this.seconds.toFixed(2)} s (${thousands(this.rate)}/s)`;
  }

  /** The headline, and a line for each sort of what was not done. */
  text(verb: string): string {
    const { existing, expired, unreadable } = this;
    const lines = [this.headline(verb)];
    if (existing > 0) lines.push(`left as they were, as they exist: ${thousands(existing)}`);
    if (expired > 0) lines.push(`expired already: ${thousands(expired)}`);
    if (unreadable > 0) lines.push(`left out, as they cannot be read: ${counted(unreadable, 'record')}`);
    for (const [reason, count] of sorted(this.leftOut)) lines.push(`left out, ${reason}: ${thousands(count)}`);
    for (const [error, count] of sorted(this.refused)) {
      lines.push(`refused, ${printable(error)}: ${thousands(count)}`);
    }
    return `${lines.join('\n')}\n`;
  }

  json(): string {
    const { done, existing, expired, unreadable, seconds } = this;
    return `${JSON.stringify({
      done,
      existing,
      expired,
      unreadable,
      leftOut: Object.fromEntries(sorted(this.leftOut).map(([reason, count]) => [shortReason(reason), count])),
      refused: Object.fromEntries(sorted(this.refused)),
      seconds: Number(seconds.toFixed(3)),
    })}\n`;
  }
}

/** A reason as programs are told it: without what people may do about it. */
function shortReason(reason: string): string {
  return reason.replace(/ \(--as-json .*\)$/, '');
}

export function thousands(count: number): string {
  return count.toLocaleString('en-US');
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
