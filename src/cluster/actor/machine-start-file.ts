import { readFileSync } from 'node:fs';

/** What tells one start of this machine's system from every other; '': it does not say (Linux does). */
export function machineStart(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}
