import { readdir, readFile, readlink } from 'node:fs/promises';

/** Whether sockets can be found here: by the proc file system of Linux. */
export const canFindSockets = process.platform === 'linux';

/** Which of these processes has a connection on loopback from one port to the other; null: none. */
export async function ownerOfConnection(
  fromPort: number,
  toPort: number,
  processes: ReadonlyMap<string, number>,
): Promise<string | null> {
  const inode = await inodeOf(fromPort, toPort);
  if (inode === null) return null;
  for (const [name, pid] of processes) if (await hasSocket(pid, inode)) return name;
  return null;
}

async function inodeOf(fromPort: number, toPort: number): Promise<string | null> {
  const ends = [fromPort, toPort].map((port) => port.toString(16).toUpperCase().padStart(4, '0'));
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'latin1').catch(() => '')).split('\n')) {
      const [, local = '', remote = '', , , , , , , inode] = line.trim().split(/\s+/);
      if (local.endsWith(`:${ends[0]}`) && remote.endsWith(`:${ends[1]}`) && inode !== undefined) return inode;
    }
  }
  return null;
}

async function hasSocket(pid: number, inode: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  return targets.includes(`socket:[${inode}]`);
}
