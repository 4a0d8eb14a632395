import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const LINES_MAX = 1000;
/** Only its owner may read what was typed. */
const MODE = 0o600;

/** Where the shell's history is kept: the XDG state directory where there is one, else the home directory. */
export function historyPath(environment: Readonly<Record<string, string | undefined>>, home = homedir()): string {
  const state = environment['XDG_STATE_HOME'] || join(home, '.local', 'state');
  if (environment['XDG_STATE_HOME'] || existsSync(state)) return join(state, 'fluxcache', 'history');
  return join(home, '.fluxcache_history');
}

/** Lines of earlier runs, the latest first, as node:readline wants them. None when they cannot be read. */
export function readHistory(path: string): string[] {
  let lines: string[];
  try {
    lines = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
  if (lines.length > LINES_MAX * 2) {
    lines = lines.slice(-LINES_MAX);
    attempt(() => writeFileSync(path, `${lines.join('\n')}\n`, { mode: MODE }));
  }
  return lines.slice(-LINES_MAX).reverse();
}

/** Adds a line at the end, so that shells that run at the same time keep each other's. Fails silently: it is a comfort. */
export function addToHistory(path: string, line: string): void {
  attempt(() => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    appendFileSync(path, `${line}\n`, { mode: MODE });
  });
}

function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // A directory that cannot be written to is no reason to stop the shell.
  }
}

/** Whether a command holds a password, so that neither history nor file may keep it. */
export function holdsSecret(words: readonly string[]): boolean {
  const [first = '', second = ''] = words.map((word) => word.toLowerCase());
  switch (first) {
    case 'auth':
      return true;
    case 'hello':
    case 'migrate':
      return words.some((word) => /^auth2?$/i.test(word));
    case 'config':
      return second === 'set' && words.some((word, at) => at >= 2 && at % 2 === 0 && /pass|auth|secret/i.test(word));
    case 'acl':
      return second === 'setuser';
    default:
      return false;
  }
}
