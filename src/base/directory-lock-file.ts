import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, readlink, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ATTEMPTS_MAX = 10;
const ID_CHARS = 8;
const START_CHARS = 16;

/** Another process has the directory. */
export class DirectoryLockedError extends Error {
  override readonly name = 'DirectoryLockedError';
}

/** Ends a lock. */
export type Unlock = () => Promise<void>;

/**
 * Keeps other processes of this machine out of a directory: a file there names the process that has it. A file left by a
 * process that is gone is taken over. Processes that do not see each other (of containers with process ids of their own)
 * are not kept apart. On a full disk a symbolic link that leads nowhere takes the place of the file, since a short one needs
 * no room of its own. Throws a {@link DirectoryLockedError} when the directory is taken.
 */
export async function lockDirectory(directory: string, name: string): Promise<Unlock> {
  const path = join(directory, name);
  // The file appears with its contents, so that nobody takes an empty one for a stale one.
  const own = `${path}.${randomUUID()}`;
  try {
    const text = await writeOwn(own, own.slice(path.length + 1));
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      if (await tryLink(own, path)) return () => unlock(path, text);
      const holder = await readOrNull(path);
      if (holder === null) continue;
      if (await isHeld(holder)) {
        throw new DirectoryLockedError(`${directory} is in use by process ${holder.split(' ')[0]} (${path})`);
      }
      await removeStale(path, holder, `${own}.stale`);
    }
  } finally {
    await rm(own, { force: true });
  }
  throw new DirectoryLockedError(`${directory} is being locked by others (${path})`);
}

/** Writes who has the directory, and returns what it wrote. */
async function writeOwn(own: string, id: string): Promise<string> {
  const start = await startOf(process.pid);
  const text = `${process.pid} ${start} ${id}\n`;
  try {
    await writeFile(own, text);
    return text;
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC' && codeOf(error) !== 'EDQUOT') throw error;
    await rm(own, { force: true });
    const target = `${process.pid} ${shortened(start)} ${id.slice(0, ID_CHARS)}`;
    try {
      await symlink(target, own);
    } catch {
      // Where there is no room even for a name, or no such thing as a link: the first reason is the one to tell.
      throw error;
    }
    return target;
  }
}

/** File systems keep targets of less than 60 bytes beside the name. */
function shortened(start: string): string {
  return createHash('sha256').update(start).digest('hex').slice(0, START_CHARS);
}

async function unlock(path: string, text: string): Promise<void> {
  if ((await readOrNull(path)) === text) await unlink(path);
}

async function isHeld(holder: string): Promise<boolean> {
  const [pid, start] = holder.split(' ');
  const number = Number(pid);
  if (!Number.isInteger(number) || number <= 0 || !isAlive(number)) return false;
  // A process id is used again; a process id with its time of start is not.
  const present = await startOf(number);
  return start === present || start === shortened(present);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is one, too.
    return codeOf(error) === 'EPERM';
  }
}

/** When a process started, as the kernel counts it, on this start of the machine; `-` where that cannot be told. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    const machine = await readFile('/proc/sys/kernel/random/boot_id', 'latin1');
    // The fields behind the name, which may hold anything, and ends with the last bracket; starttime is the 22nd.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${machine.trim()}/${ticks}`;
  } catch {
    return '-';
  }
}

/** Moves the file away and checks that it was the stale one: another process may have been faster. */
async function removeStale(path: string, stale: string, aside: string): Promise<void> {
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await readOrNull(aside)) !== stale) await tryLink(aside, path);
  await unlink(aside);
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readlink(path);
  } catch (error) {
    // Anything but a link.
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'UNKNOWN' && codeOf(error) !== 'ENOENT') throw error;
  }
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
