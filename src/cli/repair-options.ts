import { count, flag } from './option-kinds.ts';

const repairing = 'What may be done';

/** Options of `fluxcache repair`. */
export const repairOptions = {
  truncate: flag({
    flags: ['--truncate'],
    group: repairing,
    doc: 'Have a log end before the first place where it is damaged or missing. What was written later is lost.',
  }),
  salvage: flag({
    flags: ['--salvage'],
    group: repairing,
    doc: 'Keep what can be read of a damaged snapshot; of one that is missing, nothing. Its other keys are lost.',
  }),
  manifest: flag({
    flags: ['--manifest'],
    group: repairing,
    doc: 'Write a manifest that is missing or damaged anew, as the files tell.',
  }),
  partitions: count({
    flags: ['--partitions'],
    group: repairing,
    doc: 'With --manifest: as of the node, if it is in a cluster. Default: 64, as of one by itself.',
    default: 64,
    min: 1,
    max: 16_384,
  }),
} as const;
