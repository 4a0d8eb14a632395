import test from 'ava';
import type { Command } from '../../../src/command/command.ts';
import { ReplyReader, ReplyWriter } from '../../../src/command/reply.ts';
import type { CommandPort } from '../../../src/server/http/node-port.ts';
import type { ReplySink } from '../../../src/shard/shard-client.ts';
import { startFixture } from './http-fixture.ts';

const json = { 'Content-Type': 'application/json' };

/** Replies with an integer, which no endpoint but those of numbers expects, in a later turn as a shard does. */
function replyingOddly(): CommandPort {
  return port((_command, sink) => setImmediate(() => sink.onReply(oddReply())));
}

function port(execute: (command: Command, sink: ReplySink) => void): CommandPort {
  return { execute: (command, _args, sink) => execute(command, sink), beginRead: () => null, endRead: () => true };
}

function oddReply(): ReplyReader {
  const writer = new ReplyWriter();
  writer.integer(7);
  const reader = new ReplyReader();
  reader.openWritten(writer);
  return reader;
}

const requests: readonly (readonly [method: string, path: string, body?: string])[] = [
  ['GET', '/v1/keys'],
  ['POST', '/set', '{"key":"a","value":1}'],
];

for (const [method, path, body] of requests) {
  const init = { method, headers: json, ...(body === undefined ? {} : { body }) };

  test(`a reply to ${method} ${path} that its handler cannot read costs this request alone`, async (t) => {
    const node = await startFixture({ shardCount: 1, commands: replyingOddly() });
    t.teardown(() => node.stop());
    // Records of requests are used again: the next ones must be served as well.
    for (let round = 1; round <= 3; round++) {
      const answer = await fetch(node.url + path, init);
      t.is(answer.status, 500);
      t.like(await answer.json(), { error: 'internal' });
      t.is(node.faults.length, round);
    }
    t.true(node.faults.every((fault) => fault.includes(path)));
    t.is((await fetch(`${node.url}/livez`)).status, 200);
    t.is(node.front.inFlight, 0);
  });

  test(`a command of ${method} ${path} that throws when it is sent costs this request alone`, async (t) => {
    const sinks: ReplySink[] = [];
    const commands = port((_command, sink) => {
      sinks.push(sink);
      throw new Error('a defect');
    });
    const node = await startFixture({ shardCount: 1, commands });
    t.teardown(() => node.stop());
    t.is((await fetch(node.url + path, init)).status, 500);
    t.regex(node.faults.join(), /a defect/);
    // A reply that comes all the same is passed over, and the record of its request is not in use by another.
    t.is((await fetch(node.url + path, init)).status, 500);
    t.is(new Set(sinks).size, 2);
    sinks[0]?.onReply(oddReply());
    t.is((await fetch(`${node.url}/livez`)).status, 200);
    t.is(node.front.inFlight, 0);
  });
}

test('a reply of a batch that cannot be read costs the batch alone, whatever else of it is on the way', async (t) => {
  const empty = (): ReplyReader => {
    const writer = new ReplyWriter();
    writer.array(0);
    const reader = new ReplyReader();
    reader.openWritten(writer);
    return reader;
  };
  const node = await startFixture({
    shardCount: 1,
    commands: port((_command, sink) => setImmediate(() => sink.onReply(empty()))),
  });
  t.teardown(() => node.stop());
  const body = '{"operations":[{"op":"get","key":"a"},{"op":"delete","key":"b"},{"op":"get","key":"c"}]}';
  const answer = await fetch(`${node.url}/v1/batch`, { method: 'POST', headers: json, body });
  t.is(answer.status, 500);
  t.like(await answer.json(), { error: 'internal' });
  t.is((await fetch(`${node.url}/livez`)).status, 200);
  t.is(node.front.inFlight, 0);
});

test('a value that may not be told after it was read is not, and the key is asked for by a command', async (t) => {
  let thrownAway = 0;
  const commands: CommandPort = {
    execute: (command, args, sink) => node.shards.dispatcher.execute(command, args, sink),
    beginRead: (bytes, start, end) => node.shards.dispatcher.beginRead(bytes, start, end),
    endRead: () => {
      thrownAway++;
      node.shards.dispatcher.endRead();
      return false;
    },
  };
  const node = await startFixture({ shardCount: 1, commands });
  t.teardown(() => node.stop());
  await fetch(`${node.url}/set`, { method: 'POST', headers: json, body: '{"key":"a","value":"v"}' });
  const answer = await fetch(`${node.url}/get?key=a`);
  t.like(await answer.json(), { value: 'v' });
  t.is((await fetch(`${node.url}/get?key=b`)).status, 404);
  t.is(thrownAway, 2);
});
