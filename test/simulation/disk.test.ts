import test from 'ava';
import { type DiskWrite, SimulatedDisk } from './disk.ts';
import { SeededRandom } from './random.ts';
import { Schedule } from './schedule.ts';

const quality = { syncMinMs: 1, syncMeanMs: 2 };

function diskOf(seed: number) {
  const schedule = new Schedule();
  const disk = new SimulatedDisk(schedule, new SeededRandom(seed), quality);
  const told: string[] = [];
  const write = (name: string, { type, generation, bytes }: DiskWrite) =>
    disk.write(
      { type, generation, bytes },
      () => told.push(name),
      (reason) => told.push(`${name}: ${reason}`),
    );
  const content = () => disk.files().map(({ generation, bytes }) => [generation, ...bytes]);
  return { schedule, disk, told, write, content };
}

const file: DiskWrite = { type: 'rewrite', generation: 1, bytes: Uint8Array.of(1, 2) };
const more: DiskWrite = { type: 'append', generation: 1, bytes: Uint8Array.of(3, 4, 5) };

test('writes are done one after the other, and told when they are durable', (t) => {
  const { schedule, told, write, content } = diskOf(1);
  write('file', file);
  write('more', more);
  t.deepEqual(content(), []);
  schedule.runUntil(100);
  t.deepEqual(told, ['file', 'more']);
  t.deepEqual(content(), [[1, 1, 2, 3, 4, 5]]);
  write('next', { type: 'rewrite', generation: 2, bytes: Uint8Array.of(9) });
  schedule.runUntil(200);
  t.deepEqual(content(), [[2, 9]]);
});

test('a crash leaves all that was told to be durable, and any beginning of what was not, or zeros', (t) => {
  const found = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const { schedule, disk, told, write, content } = diskOf(seed);
    write('file', file);
    schedule.runUntil(100);
    write('more', more);
    disk.crash();
    schedule.runUntil(200);
    t.deepEqual(told, ['file']);
    found.add(JSON.stringify(content()[0]));
  }
  const whole = ['[1,1,2]', '[1,1,2,3]', '[1,1,2,3,4]', '[1,1,2,3,4,5]'];
  t.deepEqual([...found].sort(), [...whole, '[1,1,2,0,0,0]', '[1,1,2,3,0,0]', '[1,1,2,3,4,0]'].sort());
});

test('a crash leaves a rewrite whole or not at all', (t) => {
  const found = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const { schedule, disk, write, content } = diskOf(seed);
    write('file', file);
    schedule.runUntil(100);
    write('next', { type: 'rewrite', generation: 2, bytes: Uint8Array.of(9, 9) });
    disk.crash();
    found.add(JSON.stringify(content()));
  }
  t.deepEqual([...found].sort(), ['[[1,1,2],[2,9,9]]', '[[1,1,2]]', '[[2,9,9]]'].sort());
});

test('a full disk says so and keeps what it has', (t) => {
  const { schedule, disk, told, write, content } = diskOf(1);
  write('file', file);
  schedule.runUntil(100);
  disk.isFull = true;
  write('more', more);
  schedule.runUntil(200);
  t.deepEqual(told, ['file', 'more: no space left on the disk']);
  t.deepEqual(content(), [[1, 1, 2]]);
});

test('a flipped bit changes one bit of what is stored', (t) => {
  const { schedule, disk, write, content } = diskOf(4);
  t.false(disk.flipBit());
  write('file', file);
  schedule.runUntil(100);
  t.true(disk.flipBit());
  const [[, one = 0, two = 0] = []] = content();
  const changed = (one ^ 1) | ((two ^ 2) << 8);
  t.true(changed !== 0 && (changed & (changed - 1)) === 0);
});
