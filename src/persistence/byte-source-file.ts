import { fstatSync, readSync } from 'node:fs';
import type { ByteSource } from './frame-scanner.ts';

/** The bytes of an open file, as many as there are now. */
export function sourceOf(fd: number): ByteSource {
  return {
    size: fstatSync(fd).size,
    read: (position, target, at, length) => {
      for (let done = 0; done < length; ) {
        const count = readSync(fd, target, at + done, length - done, position + done);
        if (count === 0) throw new Error('the file became shorter while it was read');
        done += count;
      }
    },
  };
}
