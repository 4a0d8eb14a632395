/** A long run of the decoder's fuzz test: `npx tsx test/fuzz-resp.ts [frames] [seed]`, ten million frames by default. */
import { fuzz } from './resp-fuzz.ts';

const frames = Number(process.argv[2] ?? 10_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
process.stdout.write(`seed ${seed}\n`);
const beganMs = performance.now();
const report = fuzz(frames, seed);
process.stdout.write(`${JSON.stringify(report)} in ${((performance.now() - beganMs) / 1000).toFixed(1)} s\n`);
