/** The analysis of the keys, as a job: see jobs/README.md. */
import { systemClock } from '../../base/ports.ts';
import { type AnalysisInput, type AnalysisOutput, analyseKeyspace } from './analyse-keyspace.ts';

/** It rests for so many times as long as it works: of a processor it takes a fifth. */
const REST_FACTOR = 4;
const REST_MS_MIN = 1;

/** Nobody notifies this word: waiting on it is a sleep. */
const SLEEP = new Int32Array(new SharedArrayBuffer(4));

export function runJob(input: AnalysisInput): AnalysisOutput {
  return analyseKeyspace(input, systemClock, (workedMs) => {
    Atomics.wait(SLEEP, 0, 0, Math.max(REST_MS_MIN, workedMs * REST_FACTOR));
  });
}
