import { type Config, flagOf, type OptionName, options } from './options.ts';

/** Of what is kept on the disk: without that they do nothing, and whoever gives one counts on it. */
const ofTheDisk = [
  'fsync',
  'onDiskError',
  'snapshotInterval',
  'snapshotLogSize',
  'logSegmentSize',
  'maxLogQueue',
] as const;

/** What cannot work together about what a node keeps on the disk; `label` is how the user named an option. */
export function persistenceContradictions(config: Config, label: (name: OptionName) => string): string[] {
  if (config.persistence) return [];
  // One that is given as it is anyway may be for a node that is told by another variable whether it keeps anything.
  const idle = ofTheDisk.filter((name) => config[name] !== options[name].default);
  return idle.map(
    (name) =>
      `${label(name)}: nothing is kept on the disk, so that this does nothing. ` +
      `Say ${flagOf('persistence')} as well, or leave it out.`,
  );
}
