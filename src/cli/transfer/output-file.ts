import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { print } from '../run.ts';

/** Where an export goes: standard output, or a file that has its name once it is whole. */
export interface Output {
  write(bytes: Uint8Array): Promise<void>;
  /** All is written. */
  finish(): Promise<void>;
  /** It will not be whole: a file is taken away. */
  abandon(): Promise<void>;
}

/** `file`: its path; '-' is standard output. Rejects with the error of the file system. */
export async function openOutput(file: string): Promise<Output> {
  if (file === '-') {
    return { write: async (bytes) => print(bytes), finish: async () => undefined, abandon: async () => undefined };
  }
  const partial = `${file}.partial`;
  const handle: FileHandle = await open(partial, 'w', 0o600);
  return {
    async write(bytes) {
      let at = 0;
      while (at < bytes.length) at += (await handle.write(bytes, at)).bytesWritten;
    },
    async finish() {
      await handle.sync();
      await handle.close();
      await rename(partial, file);
    },
    async abandon() {
      await handle.close().catch(() => undefined);
      await rm(partial, { force: true });
    },
  };
}
