import test from 'ava';
import { Counters, FrontEnd, Tally } from '../../../src/base/counters.ts';
import { infoSections } from '../../../src/monitoring/info.ts';
import { Statistics } from '../../../src/monitoring/statistics.ts';
import { UsageWatch } from '../../../src/monitoring/usage-watch.ts';
import { factsOf, shardOf } from './facts-of.ts';

test('INFO counts from the last reset on, and what is no count does not begin anew', (t) => {
  const counters = Counters.create({ commandCount: 1, errorCount: 100 });
  let hits = 5;
  const facts = factsOf({ counters: () => counters, shards: () => [shardOf({}, { hits, keys: 3 })] });
  const statistics = new Statistics(facts);
  const sections = infoSections(facts, statistics);
  const read = (name: string) =>
    Object.fromEntries(sections.find((section) => section.name === name)?.fields() ?? []) as Record<string, unknown>;
  counters.commands(0, FrontEnd.resp, 10, 1);
  counters.add(Tally.clients, FrontEnd.resp, 2);
  t.like(read('Stats'), { keyspace_hits: 5, total_commands_processed: 10 });

  statistics.reset();
  t.like(read('Stats'), { keyspace_hits: 0, total_commands_processed: 0 });
  t.deepEqual(read('Commandstats'), {});
  t.is(read('Clients')['connected_clients'], 2);
  t.is(read('Keyspace')['db0'], 'keys=3,expires=0,avg_ttl=0');

  hits = 7;
  counters.commands(0, FrontEnd.resp, 3, 1);
  t.like(read('Stats'), { keyspace_hits: 2, total_commands_processed: 3 });
  t.is(counters.commandTotal(), 13, 'what is scraped never goes back');
});

test('rates are those of the last looks, and the greatest memory in use is remembered', (t) => {
  const counters = Counters.create({ commandCount: 2, errorCount: 1 });
  let usedBytes = 100;
  const watch = new UsageWatch(
    () => counters,
    () => usedBytes,
  );
  t.teardown(() => watch.stop());
  watch.stop();
  t.deepEqual(watch.rates, { commandsPerS: 0, inputBytesPerS: 0, outputBytesPerS: 0 });
  for (let look = 0; look < 20; look++) {
    watch.look(look * 250);
    counters.commands(1, FrontEnd.resp, 100, 1);
    counters.add(Tally.bytesReceived, FrontEnd.resp, 50);
    counters.add(Tally.bytesSent, FrontEnd.http, 25);
    usedBytes = look === 3 ? 900 : 200;
  }
  t.deepEqual(watch.rates, { commandsPerS: 400, inputBytesPerS: 200, outputBytesPerS: 100 });
  t.is(watch.peakBytes, 900);
  // A lull of more than two seconds is told as one.
  for (let look = 20; look < 30; look++) watch.look(look * 250);
  t.is(watch.rates.commandsPerS, 0);
});
