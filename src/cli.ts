#!/usr/bin/env node
/** The program `fluxcache`: a command line for FluxCache, and for any other server that speaks RESP. */
import { main } from './cli/main.ts';

process.exitCode = await main(process.argv.slice(2));
