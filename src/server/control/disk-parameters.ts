import { NOTHING_KEPT } from '../../command/administration/snapshot-refusal.ts';
import type { Config } from '../../config/options.ts';
import type { SyncPolicy } from '../../persistence/log-disk.ts';
import type { DiskSettings, SavePoint } from './disk-settings.ts';
import { choice, fixed, fixedSwitch, IMMUTABLE, type Parameter, text } from './parameter.ts';

const AT_START = `${IMMUTABLE}: --persistence says so when the node is started`;
const NOT_SET = `${IMMUTABLE}: ${NOTHING_KEPT}`;
const INVALID_SAVE = 'Invalid save parameters';

/** Redis's parameters of what is kept on the disk; `disk` is null when that is nothing. */
export function diskParameters(config: Config, disk: DiskSettings | null): readonly Parameter[] {
  return [
    disk === null
      ? text(
          'save',
          () => '',
          (points) => (points.trim() === '' ? null : NOT_SET),
          () => undefined,
        )
      : saveParameter(disk),
    fixedSwitch('appendonly', config.persistence, config.persistence ? AT_START : NOT_SET),
    choice(
      'appendfsync',
      ['always', 'everysec', 'no'],
      () => disk?.fsync ?? config.fsync,
      (policy) => {
        if (disk === null) return { problem: NOT_SET };
        const problem = disk.problemOf(policy as SyncPolicy);
        if (problem !== null) return { problem };
        return {
          apply: () => {
            disk.fsync = policy as SyncPolicy;
          },
        };
      },
    ),
    fixed('dir', config.dataDir),
  ];
}

function saveParameter(disk: DiskSettings): Parameter {
  return {
    name: 'save',
    read: () => disk.savePoints.map(({ ageMs, changes }) => `${secondsOf(ageMs)} ${changes}`).join(' '),
    check: (written) => {
      const points = readSavePoints(written);
      if (points === null) return { problem: INVALID_SAVE };
      return {
        apply: () => {
          disk.savePoints = points;
        },
      };
    },
  };
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.round(ms / 1000));
}

/** `SECONDS CHANGES …`; empty: never by time. Null for what is no such text. */
function readSavePoints(written: string): SavePoint[] | null {
  const words = written.split(' ').filter((word) => word !== '');
  const numbers = words.map((word) => (/^\d{1,15}$/.test(word) ? Number(word) : Number.NaN));
  if (numbers.length % 2 !== 0 || numbers.some(Number.isNaN)) return null;
  const points: SavePoint[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    points.push({ ageMs: (numbers[at] as number) * 1000, changes: numbers[at + 1] as number });
  }
  return points.every(({ ageMs }) => ageMs > 0) ? points : null;
}
