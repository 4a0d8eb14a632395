import vm from 'node:vm';

/**
 * Kills `run` at an arbitrary point: after about `ms` milliseconds of running V8 ends it wherever it happens to check,
 * at a function's entry or a loop's back edge, without running any handler, just as it ends a worker's thread.
 */
export function killAfter(ms: number, run: () => void): boolean {
  const name = 'fluxcacheTestVictim';
  Object.assign(globalThis, { [name]: run });
  try {
    vm.runInThisContext(`${name}()`, { timeout: ms });
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    return true;
  } finally {
    Reflect.deleteProperty(globalThis, name);
  }
}
