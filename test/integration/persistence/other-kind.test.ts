import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Kept } from '../../../src/persistence/manifest.ts';
import { DataDirectory } from '../../../src/server/persistence/data-directory-file.ts';
import { keptFiles } from '../../kept-shard.ts';
import { NodeProcess } from '../../node-process.ts';
import { runProgram } from '../cli/program.ts';

const CLUSTER_FLAGS = ['--seeds', '127.0.0.1:1', '--bootstrap-expect', '3', '--bus-port', '0'];

/** A node's directory in which it has kept something. */
function dataDir(t: ExecutionContext, keeps: Kept): string {
  const path = mkdtempSync(join(tmpdir(), 'fluxcache-kind-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  const directory = new DataDirectory({ dataDir: path, partitions: 64, shards: 1, keeps });
  directory.adopt();
  const files = keptFiles(directory.storeId, [{ do: 'put', key: 'key', value: 'value' }]);
  for (const [name, bytes] of files) writeFileSync(join(directory.folders[0] as string, name), bytes);
  return path;
}

/** What a node that does not start says. */
async function refusal(path: string, flags: readonly string[]): Promise<string> {
  const node = await NodeProcess.start({ flags: ['--persistence', '--data-dir', path, ...flags] });
  try {
    return (await node.ended) === 1 ? node.log : `it was not refused: ${node.log}`;
  } finally {
    await node.kill();
  }
}

test('a node in a cluster does not start with keys of a node by itself, nor the other way round, and nothing is changed', async (t) => {
  const lone = dataDir(t, 'keys');
  const clustered = dataDir(t, 'copies');
  const manifests = [lone, clustered].map((path) => join(path, 'keys', 'manifest.json'));
  const before = manifests.map((path) => readFileSync(path, 'utf8'));
  const [ofLone, ofClustered] = await Promise.all([
    refusal(lone, ['--partitions', '64', ...CLUSTER_FLAGS]),
    refusal(clustered, []),
  ]);
  t.regex(
    ofLone,
    /keys\/manifest\.json: the keys are of a node by itself, and this one is in a cluster\. Give it an empty/,
  );
  t.regex(
    ofClustered,
    /keys\/manifest\.json: the keys are of a node in a cluster, and this one is by itself\. Give it a/,
  );
  t.deepEqual(
    manifests.map((path) => readFileSync(path, 'utf8')),
    before,
  );
});

test('a manifest that is changed by hand to say that keys are of another kind of node is refused as such', (t) => {
  const path = dataDir(t, 'copies');
  const manifest = join(path, 'keys', 'manifest.json');
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"copies"', '"keys"'));
  t.throws(() => new DataDirectory({ dataDir: path, partitions: 64, shards: 1 }), { message: /changed by hand/ });
});

test('fluxcache repair tells by the identity of a node that its lost manifest was of a node in a cluster', async (t) => {
  const path = dataDir(t, 'copies');
  const manifest = join(path, 'keys', 'manifest.json');
  const text = readFileSync(manifest, 'utf8');
  writeFileSync(join(path, 'node.json'), '{}');
  rmSync(manifest);
  const shown = await runProgram(['repair', path]);
  t.regex(shown.stderr, /With --manifest it is written anew: 1 shard, 64 partitions, of a node in a cluster\./);
  const done = await runProgram(['repair', path, '--manifest']);
  t.is(done.code, 0, done.stdout + done.stderr);
  t.is(readFileSync(manifest, 'utf8'), text);
});
