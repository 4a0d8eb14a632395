import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type LogOptions, openLog } from '../../../src/monitoring/log.ts';

/** What is in the log after `write` wrote to it. */
function logged(options: Partial<LogOptions>, write: (log: ReturnType<typeof openLog>) => void, isTTY = false): string {
  const path = join(mkdtempSync(join(tmpdir(), 'fluxcache-log-')), 'log');
  const fd = openSync(path, 'w');
  let lines = '';
  const destination = { fd, isTTY, write: (text: string) => (lines += text) };
  write(openLog({ level: 'info', format: 'auto', nodeName: 'box', ...options }, destination));
  closeSync(fd);
  return lines + readFileSync(path, 'utf8');
}

test('records are JSON with time, level, node, message and fields', (t) => {
  const record = JSON.parse(logged({}, (log) => log.warn({ shard: 3 }, 'it died')));
  t.like(record, { level: 'warn', node: 'box', msg: 'it died', shard: 3 });
  t.regex(record.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test('on a terminal, or when told so, records are lines for people', (t) => {
  const write = (log: ReturnType<typeof openLog>) => log.info({ port: 8081, url: 'http://x' }, 'listening');
  const expected = /^\d\d:\d\d:\d\d\.\d{3} INFO {2}listening port=8081 url=http:\/\/x\n$/;
  t.regex(logged({}, write, true), expected);
  t.regex(logged({ format: 'text' }, write), expected);
  t.regex(logged({ format: 'json' }, write, true), /^\{.*\}\n$/);
});

test('what is below the level is not written', (t) => {
  t.is(
    logged({ level: 'error' }, (log) => log.info({}, 'x')),
    '',
  );
  t.is(
    logged({ level: 'silent' }, (log) => log.error({}, 'x')),
    '',
  );
});

test('secrets are hidden wherever a record holds them', (t) => {
  for (const format of ['json', 'text'] as const) {
    const text = logged({ format }, (log) =>
      log.info({ password: 'hush', headers: { authorization: 'hush' }, user: { token: 'hush' } }, 'x'),
    );
    t.false(text.includes('hush'));
    t.true(text.includes('(hidden)'));
  }
});

test('errors keep their stack', (t) => {
  for (const format of ['json', 'text'] as const) {
    t.regex(
      logged({ format }, (log) => log.error({ err: new Error('boom') }, 'it failed')),
      /boom[\s\S]*log\.test\.ts/,
    );
  }
});

test('text from outside can neither fake a record nor move the cursor', (t) => {
  const text = logged({ format: 'text' }, (log) => log.info({ name: 'a\n12:00:00 INFO fake\u001b[2J' }, 'x\u009b'));
  t.is(text.split('\n').length, 2);
  t.false(text.includes('\u001b') || text.includes('\u009b'));
});
