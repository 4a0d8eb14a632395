import type { LiveLimits } from './live-limits.ts';
import { memoryBytes, type Parameter } from './parameter.ts';

const classes = ['normal', 'slave', 'replica', 'pubsub'];

/**
 * `client-output-buffer-limit`: for each class of connections a hard limit, a soft one, and how many seconds the soft
 * one may be passed. Here is one hard limit for all, and no soft one: a change is taken only as it can be kept.
 */
export function outputLimits(limits: LiveLimits): Parameter {
  return {
    name: 'client-output-buffer-limit',
    read: () => ['normal', 'slave', 'pubsub'].map((name) => `${name} ${limits.connectionOutputBytesMax} 0 0`).join(' '),
    check: (text) => {
      const words = text.split(/\s+/).filter((word) => word !== '');
      if (words.length === 0 || words.length % 4 !== 0) {
        return { problem: 'Wrong number of arguments in buffer limit configuration.' };
      }
      const hard = new Set<number>();
      for (let at = 0; at < words.length; at += 4) {
        const [name = '', hardText = '', soft = '', seconds = ''] = words.slice(at, at + 4);
        if (!classes.includes(name.toLowerCase())) {
          return { problem: 'Invalid client class specified in buffer limit configuration.' };
        }
        const bytes = memoryBytes(hardText);
        if (Number.isNaN(bytes) || Number.isNaN(memoryBytes(soft)) || !/^\d+$/.test(seconds)) {
          return { problem: 'Error in hard, soft or soft_seconds setting in buffer limit configuration.' };
        }
        if (bytes === 0 || memoryBytes(soft) !== 0) return { problem: 'there is a hard limit, and no soft one' };
        hard.add(bytes);
      }
      const [bytes] = hard;
      if (bytes === undefined || hard.size > 1) return { problem: 'all classes have one limit' };
      return {
        apply: () => {
          limits.connectionOutputBytesMax = bytes;
        },
      };
    },
  };
}
