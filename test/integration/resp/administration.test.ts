/** Commands of connections and administrators over sockets, held to redis-server where both can say the same. */
import test from 'ava';
import { commandTable } from '../../../src/command/table.ts';
import { isRedisInstalled, RedisServer } from '../../redis-server.ts';
import { RespConnection } from '../../resp-connection.ts';
import { sharedNode } from './node-fixture.ts';

const node = sharedNode({ eviction: 'noeviction' });
const compare = isRedisInstalled() ? test.serial : test.serial.skip;

/** Replies of both servers to one command after the other, on one connection each. */
async function repliesOf(commands: readonly (readonly string[])[]): Promise<[string, string][]> {
  const redis = await RedisServer.start();
  const ours = await RespConnection.open({ host: '127.0.0.1', port: (await node()).node.tcpPort });
  try {
    const replies: [string, string][] = [];
    for (const words of commands) {
      const [[our], [their]] = await Promise.all([ours.send([words]), redis.send([words])]);
      replies.push([String(our), String(their)]);
    }
    return replies;
  } finally {
    ours.close();
    await redis.stop();
  }
}

/** Words separated by blanks; `""` is an empty one, and `_` stands for a blank within a word. */
function wordsOf(line: string): string[] {
  return line.split(' ').map((word) => (word === '""' ? '' : word.replaceAll('_', ' ')));
}

const equal = `
AUTH a|AUTH a b|AUTH default b|AUTH a b c|AUTH
HELLO x|HELLO 4|HELLO 2 AUTH a|HELLO 2 SETNAME a_b|HELLO 2 foo|HELLO 2 AUTH nosuch b SETNAME x
SELECT 0|SELECT 1|SELECT x|SELECT -1|SELECT 99999999999999999999
CLIENT SETNAME a_b|CLIENT SETNAME foo|CLIENT GETNAME|CLIENT SETNAME ""|CLIENT GETNAME
CLIENT LIST TYPE x|CLIENT LIST TYPE|CLIENT LIST ID x|CLIENT LIST ID|CLIENT LIST ID 99998 99999|CLIENT LIST TYPE pubsub|CLIENT LIST foo
CLIENT KILL 1.2.3.4:5|CLIENT KILL ID|CLIENT KILL ID 0|CLIENT KILL ID x|CLIENT KILL ID 99999|CLIENT KILL TYPE foo
CLIENT KILL USER foo|CLIENT KILL SKIPME maybe|CLIENT KILL FOO bar|CLIENT KILL ID 999 ADDR
CLIENT REPLY foo|CLIENT REPLY ON|CLIENT NO-EVICT x|CLIENT NO-EVICT on|CLIENT NO-EVICT off
CLIENT PAUSE x|CLIENT PAUSE -1|CLIENT PAUSE 1 FOO|CLIENT PAUSE 99999999999999999999|CLIENT PAUSE 1 WRITE x
CLIENT PAUSE 1 WRITE|CLIENT UNPAUSE|CLIENT UNBLOCK x|CLIENT UNBLOCK 99999|CLIENT UNBLOCK 1 foo|CLIENT UNBLOCK 1 error x
CLIENT MAINT_NOTIFICATIONS on|CLIENT|CLIENT ID x
COMMAND INFO nosuch|COMMAND LIST FILTERBY X y|COMMAND LIST FILTERBY MODULE x|COMMAND LIST a|COMMAND LIST FILTERBY ACLCAT nosuch
COMMAND GETKEYS nosuch a|COMMAND GETKEYS ping a|COMMAND GETKEYS get|COMMAND GETKEYS mset a b c|COMMAND GETKEYS mset a b c d
COMMAND GETKEYS memory usage k|COMMAND GETKEYS set a|COMMAND GETKEYS object encoding k|COMMAND DOCS nosuch|COMMAND nosuch
COMMAND COUNT x|COMMAND GETKEYSANDFLAGS get k
CONFIG GET nosuch|CONFIG GET appendonly|CONFIG GET SAV?|CONFIG GET databases|CONFIG SET a b|CONFIG SET a b c|CONFIG SET a
CONFIG SET maxclients x|CONFIG SET maxclients 0|CONFIG SET maxclients 100 maxclients 200|CONFIG SET timeout -1|CONFIG SET timeout 99999999999
CONFIG SET notify-keyspace-events qq|CONFIG SET slowlog-max-len -1|CONFIG SET slowlog-log-slower-than -2|CONFIG SET maxmemory 10zz
CONFIG SET appendonly maybe|CONFIG SET databases 2|CONFIG SET client-output-buffer-limit foo
CONFIG SET client-output-buffer-limit foo_1_2_3|CONFIG SET timeout 5 nosuch 3|CONFIG GET timeout|CONFIG SET TIMEOUT 7|CONFIG GET timeout|CONFIG SET timeout 0
CONFIG SET latency-monitor-threshold x|CONFIG SET tracking-table-max-keys x|CONFIG RESETSTAT|CONFIG REWRITE|CONFIG FOO|CONFIG
CONFIG SET slowlog-max-len 20|CONFIG GET slowlog-max-len|CONFIG SET slowlog-log-slower-than 5000|CONFIG GET slowlog-log-slower-than
CONFIG SET notify-keyspace-events KEA|CONFIG GET notify-keyspace-events|CONFIG SET notify-keyspace-events ""
SLOWLOG GET -2|SLOWLOG GET x|SLOWLOG GET 1 2|SLOWLOG RESET|SLOWLOG LEN|SLOWLOG GET -1|SLOWLOG LEN x|SLOWLOG FOO|SLOWLOG
LATENCY|LATENCY LATEST|LATENCY HISTORY foo|LATENCY HISTORY|LATENCY RESET|LATENCY RESET foo bar|LATENCY FOO|LATENCY HISTOGRAM nosuch
SET k v|OBJECT FREQ k|OBJECT FREQ nokey|OBJECT IDLETIME nokey|OBJECT ENCODING k|MEMORY PURGE|MEMORY FOO|DEL k
WAIT 0 0|WAIT x 1|WAIT 1 x|WAIT 1 -1|WAITAOF 0 0 0|FAILOVER|FAILOVER foo|REPLICAOF x y|REPLICAOF 1|REPLICAOF NO ONE|ROLE
BGSAVE foo|SHUTDOWN foo|SHUTDOWN ABORT|SHUTDOWN ABORT NOW|SHUTDOWN SAVE NOSAVE|SHUTDOWN NOSAVE SAVE
ACL|ACL WHOAMI|ACL USERS|ACL LIST|ACL CAT|ACL CAT foo|ACL CAT a b|ACL FOO
SWAPDB 0 0|SWAPDB 0 1|SWAPDB 0 99|SWAPDB 0 x|SWAPDB x 0|MOVE k 0|MOVE k 99|MOVE k x
CLUSTER|CLUSTER FOO|LOLWUT VERSION x|INFO foo|PING a b|TIME x|READONLY x|RESET`
  .split(/[\n|]/)
  .filter((line) => line !== '');

compare('replies and errors of these commands are those of redis-server, byte for byte', async (t) => {
  const replies = await repliesOf(equal.map(wordsOf));
  for (const [index, [our, their]] of replies.entries()) t.is(our, their, equal[index]);
});

compare('every command that Redis has, too, refuses a wrong number of arguments in its words', async (t) => {
  const names = commandTable.commands
    .filter(({ group, kind, arity }) => group !== 'internal' && kind !== 'container' && Math.abs(arity) > 1)
    .map(({ name }) => name);
  const commands = names.map((name) => name.split('|'));
  const replies = await repliesOf(commands);
  let compared = 0;
  for (const [index, [our, their]] of replies.entries()) {
    const words = commands[index] ?? [];
    // What has a subcommand with no arguments runs; what Redis does not have, it does not know.
    if (!our.includes('wrong number') || /unknown (sub)?command/.test(their)) continue;
    t.is(our, their, words.join(' '));
    compared++;
  }
  t.true(compared > 60);
});

/** Where a row differs from Redis on purpose. */
const intendedRows: Readonly<Record<string, string>> = {
  swapdb: 'it changes nothing here and needs no right to write',
  move: 'it changes nothing here and needs no right to write',
  lolwut: 'it needs no right to read',
  'cluster|countkeysinslot': 'it looks at keys, so that who may not may not ask',
  'cluster|getkeysinslot': 'it looks at keys, so that who may not may not ask',
  ssubscribe: 'shard channels are no keys',
  sunsubscribe: 'shard channels are no keys',
  spublish: 'shard channels are no keys',
};

compare('COMMAND INFO tells the arity, flags, keys and categories that redis-server tells', async (t) => {
  const names = commandTable.commands.filter(({ group }) => group !== 'internal').map(({ name }) => name);
  const commands = names.map((name) => ['COMMAND', 'INFO', name]);
  const replies = await repliesOf(commands);
  let compared = 0;
  const differing: string[] = [];
  for (const [index, [our, their]] of replies.entries()) {
    const name = names[index] ?? '';
    if (their === '*1\r\n$-1\r\n') continue;
    if (name in intendedRows) differing.push(name);
    else t.is(comparable(our, name), comparable(their, name), name);
    compared++;
  }
  t.true(compared > 140);
  t.deepEqual(differing.sort(), Object.keys(intendedRows).sort());
});

/**
 * The elements up to the categories, and what is done with the keys, where that is the same for all of them; tips, notes
 * and the rest of the key specifications are each server's own.
 */
function comparable(reply: string, name: string): string {
  const lines = reply.split('\r\n');
  // An array of one array of ten: name, arity, flags, three numbers, categories, …
  let at = 2 + 2 + 1;
  at += 1 + Number(lines[at]?.slice(1)) + 3;
  const categoriesEnd = at + 1 + Number(lines[at]?.slice(1));
  const [keyFlags = ''] = /flags\r\n\*\d+\r\n(\+\w+\r\n)+/.exec(reply) ?? [];
  const isOfPair = commandTable.named(name).kind === 'pair';
  return [...lines.slice(2, at), ...lines.slice(at + 1, categoriesEnd).sort(), isOfPair ? '' : keyFlags].join(' ');
}
