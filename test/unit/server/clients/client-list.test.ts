import test from 'ava';
import { commandTable } from '../../../../src/command/table.ts';
import { ClientList, type ListedClient } from '../../../../src/server/clients/client-list.ts';

class FakeClient implements ListedClient {
  readonly id: number;
  readonly address = '127.0.0.1:1';
  readonly localAddress = '127.0.0.1:2';
  readonly protocol = 'resp';
  readonly connectedAtMs = 0;
  readonly lastCommandAtMs = 0;
  readonly lastCommand = '';
  readonly userName = 'default';
  readonly resp = 2;
  readonly channelCount = 0;
  readonly patternCount = 0;
  readonly queuedCount = -1;
  readonly watchedCount = 0;
  readonly isTracking = false;
  readonly redirectId = -1;
  readonly inputBytes = 0;
  readonly outputBytes = 0;
  readonly totalReceivedBytes = 0;
  readonly totalSentBytes = 0;
  readonly commandCount = 0;
  name = '';
  libraryName = '';
  libraryVersion = '';
  isNoEvict = false;
  isNoTouch = false;
  replyMode: 'on' | 'off' | 'skip' = 'on';
  isClosed = false;

  constructor(id: number) {
    this.id = id;
  }

  close(): void {
    this.isClosed = true;
  }
}

const get = commandTable.named('get');
const set = commandTable.named('set');
const keys = commandTable.named('keys');
const setName = commandTable.named('client|setname');
const configSet = commandTable.named('config|set');

test('connections are found while they are there', (t) => {
  const list = new ClientList();
  const [one, two] = [new FakeClient(1), new FakeClient(2)];
  list.add(one);
  list.add(two);
  t.deepEqual([...list.all()], [one, two]);
  t.is(list.byId(2), two);
  list.kill(two);
  t.true(two.isClosed);
  list.remove(two);
  t.is(list.byId(2), undefined);
  t.is(list.count, 1);
});

test('a pause holds back all commands but those that can end it, or only those that write', (t) => {
  const list = new ClientList(() => 0);
  t.false(list.isPaused);
  t.false(list.holds(set));
  list.pause(1000, true);
  t.teardown(() => list.unpause());
  t.true(list.holds(set));
  t.false(list.holds(get));
  t.false(list.holds(keys));
  list.pause(1000, false);
  t.true(list.holds(get));
  t.false(list.holds(setName));
  t.false(list.holds(configSet));
});

test('what waits goes on in its order when the pause is ended', (t) => {
  const list = new ClientList(() => 0);
  list.pause(1e15, false);
  const done: number[] = [];
  list.whenUnpaused(() => done.push(1));
  list.whenUnpaused(() => done.push(2));
  t.deepEqual(done, []);
  list.unpause();
  t.deepEqual(done, [1, 2]);
  list.unpause();
  t.deepEqual(done, [1, 2]);
  t.false(list.isPaused);
});

test('a pause ends by itself; a shorter one on top of it does not shorten it, nor let reads go on', async (t) => {
  let nowMs = 0;
  const list = new ClientList(() => nowMs);
  list.pause(20, false);
  list.pause(5, true);
  t.true(list.holds(get));
  // The timer of a pause does not keep a process from ending.
  const hold = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(hold));
  const over = new Promise<void>((resolve) => list.whenUnpaused(resolve));
  nowMs = 20;
  await over;
  t.false(list.isPaused);
  list.pause(nowMs + 1e15, true);
  t.false(list.holds(get), 'the next pause is one of its own');
  list.unpause();
});

test('a pause whose time is over already is none', (t) => {
  const list = new ClientList(() => 100);
  list.pause(100, false);
  t.false(list.isPaused);
});
