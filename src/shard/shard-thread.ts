/** The entry point of a shard's thread. */
import { commandTable } from '../command/table.ts';
import { serveShard } from './serve-shard.ts';

serveShard(commandTable);
