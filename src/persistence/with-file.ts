import { closeSync, openSync } from 'node:fs';

/** Opens a file, and closes it when `use` has ended. */
export function withFile<T>(path: string, flags: string, use: (fd: number) => T): T {
  const fd = openSync(path, flags);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
