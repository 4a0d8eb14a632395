import type { CommandRow } from '../command-row.ts';

/** What all subcommands of CLIENT have in common: a pause can be ended, and CLIENT CACHING is of what comes behind them. */
export const ofClient = { whilePaused: 'runs', keepsCaching: true } as const satisfies Partial<CommandRow>;
