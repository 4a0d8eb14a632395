import fc from 'fast-check';
import type { Save } from '../src/cluster/consensus/journal-payload.ts';
import type { HardState, LogEntry, RaftSnapshot, RaftState } from '../src/cluster/consensus/raft-types.ts';

/** What a disk holds after saves, in the plainest way: a log by index. */
export class NaiveState {
  hard: HardState = { term: 0, vote: null };
  snapshot: RaftSnapshot | null = null;
  log = new Map<number, LogEntry>();

  get lastIndex(): number {
    return Math.max(this.snapshot?.index ?? 0, ...this.log.keys());
  }

  termAt(index: number): number | undefined {
    return this.snapshot?.index === index ? this.snapshot.term : this.log.get(index)?.term;
  }

  apply({ hard, snapshot, entries }: Save): void {
    if (hard !== null) this.hard = hard;
    if (snapshot !== null) {
      const isHeld = this.termAt(snapshot.index) === snapshot.term;
      this.log = new Map([...this.log].filter(([index]) => isHeld && index > snapshot.index));
      this.snapshot = snapshot;
    }
    const [first] = entries;
    if (first === undefined) return;
    this.log = new Map([...this.log].filter(([index]) => index < first.index));
    for (const entry of entries) this.log.set(entry.index, entry);
  }

  state(): RaftState {
    return { hard: this.hard, snapshot: this.snapshot, entries: [...this.log.values()] };
  }
}

/** What the next save does, told without reference to what went before it. */
interface Step {
  readonly terms: number;
  readonly vote: string | null;
  readonly isHard: boolean;
  readonly snapshot: 'none' | 'compact' | 'install';
  readonly place: number;
  readonly payloads: readonly Uint8Array[];
  readonly isAppended: boolean;
}

const bytes = fc.uint8Array({ maxLength: 40 });

export const step: fc.Arbitrary<Step> = fc.record({
  terms: fc.nat(2),
  vote: fc.constantFrom(null, 'a', 'b'),
  isHard: fc.boolean(),
  snapshot: fc.constantFrom('none', 'none', 'none', 'compact', 'install'),
  place: fc.nat(),
  payloads: fc.array(bytes, { maxLength: 4 }),
  isAppended: fc.boolean(),
});

/** The save that a step is after those before it. */
export function saveOf(before: NaiveState, step: Step): Save {
  const term = before.hard.term + step.terms;
  const hard = step.isHard || step.terms > 0 ? { term, vote: step.vote } : null;
  const snapshot = snapshotOf(before, step, term);
  const after = new NaiveState();
  Object.assign(after, before);
  after.apply({ hard, snapshot, entries: [] });
  const start = (after.snapshot?.index ?? 0) + 1;
  const first = step.isAppended ? after.lastIndex + 1 : start + (step.place % (after.lastIndex + 2 - start));
  const entries = step.payloads.map((payload, at): LogEntry => ({ index: first + at, term, kind: 'command', payload }));
  return { hard, snapshot, entries };
}

function snapshotOf(before: NaiveState, step: Step, term: number): RaftSnapshot | null {
  if (step.snapshot === 'none') return null;
  const start = before.snapshot?.index ?? 0;
  const last = before.lastIndex;
  const index = step.snapshot === 'compact' ? start + (step.place % (last - start + 1)) : last + (step.place % 5);
  const held = before.termAt(index);
  const data = new Uint8Array(step.place % 50).fill(7);
  return {
    index,
    term: step.snapshot === 'compact' && held !== undefined ? held : term,
    membership: { voters: ['a', 'b', 'c'], learners: ['d'] },
    data,
  };
}

/** Saves that follow one another, and what is to be found after each. */
export function savesOf(steps: readonly Step[]): { readonly save: Save; readonly after: RaftState }[] {
  const naive = new NaiveState();
  return steps.map((step) => {
    const save = saveOf(naive, step);
    naive.apply(save);
    return { save, after: naive.state() };
  });
}
