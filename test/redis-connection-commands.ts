import fc from 'fast-check';
import type { Word } from './command-runner.ts';
import { boundary, key, text, type Words } from './redis-commands.ts';

/** Commands of the connection and of the node whose replies both servers can be held to. */
const sensible: readonly (readonly (Word | fc.Arbitrary<Word>)[])[] = [
  ['hello'],
  ['hello', fc.constantFrom('2', '3')],
  ['hello', fc.constantFrom('1', '4', 'x', '', '99999999999999999999'), text],
  ['hello', '3', 'setname', text],
  ['hello', '2', fc.constantFrom('auth', 'AUTH', 'setname', 'nope'), text],
  ['hello', '3', 'auth', fc.constantFrom('default', 'nobody'), text],
  ['hello', '3', 'setname', text, 'auth', 'default', text],
  ['auth', text],
  ['auth', fc.constantFrom('default', 'nobody'), text],
  ['auth', text, text, text],
  ['client', 'setname', text],
  ['client', 'getname'],
  ['client', fc.constantFrom('id', 'getname', 'setname', 'info', 'list', 'nope', ''), text],
  ['client', 'no-evict', fc.constantFrom('on', 'OFF', 'x')],
  ['client', 'reply', fc.constantFrom('on', 'x', '')],
  ['client', 'pause', fc.constantFrom('x', '-1', '')],
  ['client', 'pause', '1', fc.constantFrom('x', '')],
  ['client', 'unpause'],
  ['client', 'unblock', fc.constantFrom('999999', 'x')],
  ['client', 'unblock', '999999', fc.constantFrom('timeout', 'error', 'x')],
  ['client', 'kill', fc.constantFrom('1.2.3.4:5', 'x')],
  ['client', 'kill', 'id', fc.constantFrom('999999', 'x', '0', '-1')],
  ['client', 'kill', 'type', fc.constantFrom('replica', 'x')],
  ['client', 'kill', 'user', fc.constantFrom('nobody', 'x')],
  ['client', 'kill', 'addr', '1.2.3.4:5', 'skipme', fc.constantFrom('yes', 'no', 'x')],
  ['client', 'kill', fc.constantFrom('laddr', 'nope'), 'x'],
  ['client', 'list', 'type', fc.constantFrom('replica', 'x')],
  ['client', 'list', 'id', fc.constantFrom('999999', 'x')],
  ['client', 'getredir'],
  ['client', 'trackinginfo'],
  ['client', 'caching', fc.constantFrom('yes', 'no', 'x')],
  ['client', 'tracking', fc.constantFrom('on', 'off', 'x')],
  ['client', 'tracking', 'on', fc.constantFrom('bcast', 'optin', 'optout', 'noloop', 'nope', 'prefix', 'redirect')],
  ['client', 'tracking', 'on', 'prefix', text, fc.constantFrom('bcast', 'optin')],
  ['client', 'tracking', 'on', 'bcast', 'prefix', 'ab', 'prefix', fc.constantFrom('a', 'abc', 'b')],
  ['client', 'tracking', 'on', 'redirect', fc.constantFrom('0', '999999', 'x', '-1')],
  ['client', 'tracking', fc.constantFrom('on', 'off'), 'optin', 'optout'],
  ['select', fc.oneof(boundary, fc.constantFrom('0', '1', '-1', '16'))],
  ['swapdb', fc.constantFrom('0', '1', 'x'), fc.constantFrom('0', '1', 'x')],
  ['readonly'],
  ['reset'],
  ['config', 'get', fc.constantFrom('nope', 'appendonly', 'save', 'databases')],
  ['config', 'set', 'nope', text],
  ['config', fc.constantFrom('get', 'set', 'nope', 'resetstat', 'rewrite', '')],
  ['config', 'resetstat', text],
  ['command', 'info', fc.constantFrom('get', 'INCR', 'nope', 'mget', 'decrby'), 'nope'],
  ['command', 'getkeys', 'set', key, text],
  ['command', 'getkeys', 'mset', key, text, key, text],
  ['command', 'getkeys', fc.constantFrom('get', 'del', 'ping', 'nope', 'mset', 'rename'), key],
  ['command', 'getkeysandflags', fc.constantFrom('get', 'mget', 'incr', 'ping', 'nope'), key],
  ['command', 'getkeys'],
  ['command', 'docs', 'nope'],
  ['command', 'list', 'filterby', fc.constantFrom('nope', 'module'), text],
  ['command', 'nope'],
  ['slowlog', 'get', fc.constantFrom('0', '-2', 'x')],
  ['slowlog', fc.constantFrom('reset', 'nope')],
  ['latency', fc.constantFrom('latest', 'reset', 'nope', 'history')],
  ['latency', 'history', text],
  ['memory', 'usage', key, 'samples', fc.constantFrom('x', '-1')],
  ['memory', fc.constantFrom('nope', 'usage')],
  ['object', 'encoding', key],
  ['object', fc.constantFrom('freq', 'idletime', 'encoding', 'nope'), key],
  ['object', fc.constantFrom('freq', 'encoding', 'help2')],
  ['acl', 'whoami'],
  ['acl', fc.constantFrom('nope', 'cat'), 'nope'],
  ['wait', '0', fc.constantFrom('0', '10', 'x', '-1')],
  ['wait', fc.constantFrom('x', '-1'), '0'],
  ['replicaof', 'no', 'one'],
  ['publish', key, text],
  ['spublish', key, text],
  ['pubsub', fc.constantFrom('channels', 'numpat', 'shardchannels', 'numsub', 'shardnumsub', 'nope')],
  ['pubsub', fc.constantFrom('channels', 'numsub', 'shardnumsub', 'numpat'), text, key],
  ['pubsub', 'channels', text],
  ['subscribe', text],
  ['unsubscribe', text],
  ['psubscribe', text],
  ['punsubscribe', text],
  ['exec'],
  ['exec', text],
  ['discard'],
  ['watch', key],
  ['unwatch'],
  ['time', text],
];

export const connectionCommand: fc.Arbitrary<Words> = fc
  .constantFrom(...sensible)
  .chain((words) => fc.tuple(...words.map((word) => (word instanceof fc.Arbitrary ? word : fc.constant(word)))));

/** Keys of one slot, as a transaction's must be. */
const slotKey = fc.constantFrom<Word>('{t}x', '{t}y', '{t}');
const queued: readonly (readonly (Word | fc.Arbitrary<Word>)[])[] = [
  ['set', slotKey, text],
  ['set', slotKey, text, fc.constantFrom('nx', 'xx', 'get', 'nope')],
  ['get', slotKey],
  ['getdel', slotKey],
  ['incr', slotKey],
  ['incrby', slotKey, boundary],
  ['append', slotKey, text],
  ['mget', slotKey, slotKey],
  ['mset', slotKey, text, slotKey, text],
  ['msetnx', slotKey, text, slotKey, text],
  ['del', slotKey, slotKey],
  ['exists', slotKey],
  ['expire', slotKey, fc.constantFrom('100', 'x', '-1')],
  ['persist', slotKey],
  ['type', slotKey],
  ['ping'],
  ['echo', text],
  ['get'],
  ['nope', text],
  ['multi'],
  ['watch', slotKey],
];
const queuedCommand = fc
  .constantFrom(...queued)
  .chain((words) => fc.tuple(...words.map((word) => (word instanceof fc.Arbitrary ? word : fc.constant(word)))));

/** Commands between MULTI and EXEC or DISCARD, now and then with a WATCH in front and a write of what is watched. */
export const transaction: fc.Arbitrary<readonly Words[]> = fc
  .tuple(
    fc.array(fc.oneof(fc.tuple(fc.constant('watch'), slotKey), fc.tuple(fc.constant('set'), slotKey, text)), {
      maxLength: 2,
    }),
    fc.array(queuedCommand, { maxLength: 6 }),
    fc.constantFrom('exec', 'exec', 'exec', 'discard'),
  )
  .map(([before, within, end]) => [...before, ['multi'], ...within, [end]]);
