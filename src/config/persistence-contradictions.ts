import { type Config, flagOf, type OptionName } from './options.ts';

/** What cannot work together about what a node keeps on the disk; `label` is how the user named an option. */
export function persistenceContradictions(config: Config, label: (name: OptionName) => string): string[] {
  // Whoever asks for this counts on it.
  if (config.persistence || config.fsync !== 'always') return [];
  return [
    `${label('fsync')}: nothing is kept on the disk, so that nothing can be made sure to be there. ` +
      `Say ${flagOf('persistence')} as well, or leave it out.`,
  ];
}
