import type { Operation } from './history.ts';

interface Register {
  readonly value: number | null;
  readonly version: number;
}

/**
 * Whether a history of a few operations on one key is linearizable, by trying every order of every choice of the
 * indeterminate ones: slow and plain, to hold the real checker against. A write's version must be the one that its
 * result or some read names; where none does it is one that nobody has.
 */
export function bruteForce(operations: readonly Operation[]): boolean {
  const taking = operations.filter((operation) => operation.outcome.type !== 'refused');
  return extend(taking, { value: null, version: 0 }, versionsOf(taking));
}

function versionsOf(operations: readonly Operation[]): ReadonlyMap<number, number> | null {
  const pairs = new Map<number, number>();
  for (const { call, outcome } of operations) {
    if (outcome.type !== 'returned') continue;
    const { result } = outcome;
    const isWrite = call.kind === 'set' || call.kind === 'cas';
    const value = result.type === 'value' ? result.value : isWrite && result.type === 'done' ? call.value : null;
    if (value === null || (result.type !== 'value' && result.type !== 'done')) continue;
    if ((pairs.get(value) ?? result.version) !== result.version) return null;
    pairs.set(value, result.version);
  }
  return new Set(pairs.values()).size === pairs.size ? pairs : null;
}

function extend(left: readonly Operation[], now: Register, versions: ReadonlyMap<number, number> | null): boolean {
  if (versions === null) return false;
  if (left.every((operation) => operation.outcome.type !== 'returned')) return true;
  return left.some((operation) => {
    const isNext = left.every((other) => other.outcome.type !== 'returned' || other.settledAt > operation.invokedAt);
    const after = isNext ? apply(operation, now, versions) : null;
    const rest = left.filter((other) => other !== operation);
    return after !== null && extend(rest, after, versions);
  });
}

function apply({ call, outcome }: Operation, now: Register, versions: ReadonlyMap<number, number>): Register | null {
  const result = outcome.type === 'returned' ? outcome.result : null;
  switch (call.kind) {
    case 'get':
      if (result?.type === 'value') return now.value === result.value && now.version === result.version ? now : null;
      return now.value === null || result === null ? now : null;
    case 'set':
      return { value: call.value, version: versions.get(call.value) ?? Number.NaN };
    case 'cas': {
      const isDone = now.version === call.expected;
      if (result !== null && isDone !== (result.type === 'done')) return null;
      return isDone ? { value: call.value, version: versions.get(call.value) ?? Number.NaN } : now;
    }
    case 'delete':
      if (result !== null && (now.value !== null) !== (result.type === 'done')) return null;
      return { value: null, version: 0 };
    case 'wipe':
      return { value: null, version: 0 };
  }
}
