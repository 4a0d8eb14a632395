/**
 * Lets a test do something right before an atomic access of this thread: end its owner by throwing, or play the other
 * thread. Atomic accesses are the only instants that two threads can tell apart. Import it before anything is run.
 */
export const atomicAccesses: { before: () => void } = { before: () => {} };

for (const name of ['store', 'load', 'exchange', 'notify'] as const) {
  const access = Atomics[name] as (...args: unknown[]) => unknown;
  Object.defineProperty(Atomics, name, {
    value: (...args: unknown[]): unknown => {
      atomicAccesses.before();
      return access(...args);
    },
  });
}

/** Runs `work` and, right before its `n`-th atomic access (1 is the first), `other`; whether there were so many. */
export function interleave(work: () => void, n: number, other: () => void): boolean {
  let accesses = 0;
  atomicAccesses.before = () => {
    accesses += 1;
    if (accesses !== n) return;
    atomicAccesses.before = () => {};
    other();
  };
  try {
    work();
  } finally {
    atomicAccesses.before = () => {};
  }
  return accesses >= n;
}
