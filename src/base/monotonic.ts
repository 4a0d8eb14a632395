/**
 * Milliseconds on a clock that never falls and is the same in every thread of this process (on Linux: CLOCK_MONOTONIC,
 * which stops while the machine sleeps). `performance.now` alone counts from the start of its own thread.
 */
export function monotonicMs(): number {
  return performance.now() + originMs;
}

const [seconds, nanoseconds] = process.hrtime();
const originMs = seconds * 1000 + nanoseconds / 1e6 - performance.now();
