import test from 'ava';
import { readmeProgram, sourceModule } from '../../readme-program.ts';
import { startNodeFixture } from '../resp/node-fixture.ts';

test('the examples of the reference compile and run, and print what their comments say', async (t) => {
  const { node } = await startNodeFixture(t);
  const program = await readmeProgram('src/client/README.md', {
    "'fluxcache'": sourceModule('index.ts'),
    '127.0.0.1:7379': `127.0.0.1:${node.tcpPort}`,
  });
  t.teardown(() => program.remove());
  t.true(program.expected.length > 15);
  const [faults, printed] = await Promise.all([program.check(), program.run()]);
  t.deepEqual(printed, program.expected);
  t.is(faults, '');
});

test('the examples of the Keyv adapter compile and run, and print what their comments say', async (t) => {
  const { node } = await startNodeFixture(t);
  const program = await readmeProgram('src/keyv/README.md', {
    "'fluxcache/keyv'": sourceModule('keyv/index.ts'),
    '127.0.0.1:7379': `127.0.0.1:${node.tcpPort}`,
  });
  t.teardown(() => program.remove());
  t.true(program.expected.length > 1);
  const [faults, printed] = await Promise.all([program.check(), program.run()]);
  t.deepEqual(printed, program.expected);
  t.is(faults, '');
});

test('the examples of the README compile and run, and print what their comments say', async (t) => {
  const { node } = await startNodeFixture(t);
  const program = await readmeProgram('README.md', {
    "'fluxcache'": sourceModule('index.ts'),
    'localhost:7379': `127.0.0.1:${node.tcpPort}`,
  });
  t.teardown(() => program.remove());
  t.is(program.expected.length, 2);
  const [faults, printed] = await Promise.all([program.check(), program.run()]);
  t.deepEqual(printed, program.expected);
  t.is(faults, '');
});
