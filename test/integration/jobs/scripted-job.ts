/** A job that does what the test says. */
export interface Script {
  readonly act: 'answer' | 'throw' | 'hang' | 'exit' | 'fill-heap' | 'wait';
  readonly value?: string;
  /** Its first word is set when the job has begun; a job that waits ends when its second is. */
  readonly shared?: SharedArrayBuffer;
}

let calls = 0;

export async function runJob({ act, value, shared }: Script): Promise<{ value: string; calls: number }> {
  calls++;
  const words = new Int32Array(shared ?? new SharedArrayBuffer(8));
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
  if (act === 'throw') throw new Error(value);
  if (act === 'exit') process.exit(3);
  if (act === 'hang') while (Atomics.load(words, 1) === 0);
  if (act === 'wait') Atomics.wait(words, 1, 0);
  if (act === 'fill-heap') {
    const filled: number[][] = [];
    for (;;) filled.push(Array.from({ length: 100_000 }, (_, i) => i));
  }
  return { value: value ?? '', calls };
}
