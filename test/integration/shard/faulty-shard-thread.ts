/** A shard's thread with commands that make it fail: only tests start threads on this module. */
import { AssertionError } from '../../../src/base/assert.ts';
import { Doorbell } from '../../../src/mailbox/doorbell.ts';
import { serveShard } from '../../../src/shard/serve-shard.ts';
import { faultyTable } from './faulty-table.ts';

serveShard(
  faultyTable({
    'fault.throw': () => {
      throw new TypeError('an ordinary exception');
    },
    'fault.assert': () => {
      throw new AssertionError('a broken invariant');
    },
    // Not caught by the guard around handlers: what it breaks is used after it has returned.
    'fault.outside': (_store, _args, reply) => {
      Object.defineProperty(reply, 'length', {
        get() {
          throw new TypeError('an exception outside of the handler');
        },
      });
    },
    'fault.heap': () => {
      const kept: number[][] = [];
      for (;;) kept.push(new Array<number>(1000).fill(Math.random()));
    },
    'fault.hang': () => {
      for (;;) Math.random();
    },
    'fault.exit': () => {
      process.exit(0);
    },
    // Answers, and hangs once it has nothing left to do.
    'fault.oversleep': (_store, _args, reply) => {
      reply.integer(1);
      Doorbell.prototype.wait = () => {
        for (;;) Math.random();
      };
    },
    // Dies between the two writes of a group, with readers turned away.
    'fault.group': (store, args) => {
      const half = {
        key: args.bytes,
        keyStart: args.start(0),
        keyEnd: args.end(0),
        value: new Uint8Array(1),
        valueStart: 0,
        valueEnd: 1,
        type: 0,
        expiresAtMs: 0,
        contentType: new Uint8Array(0),
        contentTypeStart: 0,
        contentTypeEnd: 0,
      } as const;
      store.beginGroup(2, 2 + 2 * args.byteLength(0));
      store.put(half);
      throw new AssertionError('a group is half written');
    },
  }),
);
