const watched = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Runs `onAbort` when the signal is aborted. However many watch one signal, it gets one listener: thousands of calls may
 * share a signal, and Node.js warns of a leak from the eleventh listener on.
 */
export function watchAbort(signal: AbortSignal, onAbort: () => void): void {
  const watchers = watched.get(signal);
  if (watchers !== undefined) {
    watchers.add(onAbort);
    return;
  }
  const first = new Set([onAbort]);
  watched.set(signal, first);
  signal.addEventListener('abort', tellWatchers, { once: true });
}

export function unwatchAbort(signal: AbortSignal, onAbort: () => void): void {
  const watchers = watched.get(signal);
  if (watchers === undefined || !watchers.delete(onAbort) || watchers.size > 0) return;
  watched.delete(signal);
  signal.removeEventListener('abort', tellWatchers);
}

function tellWatchers(this: AbortSignal): void {
  const watchers = watched.get(this);
  watched.delete(this);
  if (watchers !== undefined) for (const onAbort of [...watchers]) onAbort();
}
