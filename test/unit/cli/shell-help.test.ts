import test from 'ava';
import { wrapped } from '../../../src/cli/help-text.ts';
import { helpFor } from '../../../src/cli/shell-help.ts';

test('help of a command is its syntax and summary, of a container that of its subcommands', (t) => {
  t.regex(helpFor(['GET']), /^ {2}GET key\n {2}Returns the value of a key\.\n {2}since 1\.0\.0, group string\n$/);
  t.regex(helpFor(['object', 'encoding']), /^ {2}OBJECT ENCODING key\n/);
  t.regex(helpFor(['object']), /OBJECT ENCODING key\n[\s\S]*OBJECT FREQ key\n/);
});

test('help without a command names the groups, and a group its commands', (t) => {
  t.regex(helpFor([]), /^Groups: @string, /m);
  t.regex(helpFor(['@string']), /^ {2}STRLEN key$/m);
  t.regex(helpFor(['@nosuch']), /^There is no group @nosuch\. Groups: @string, /);
});

test('a slip gets the nearest name, and nothing is wider than a terminal', (t) => {
  t.is(helpFor(['expird']), 'There is no command expird. Did you mean EXPIRE?\n');
  for (const words of [[], ['set'], ['@json']]) {
    for (const line of helpFor(words).split('\n')) t.true(line.length < 80, line);
  }
});

test('text is wrapped between words only', (t) => {
  t.deepEqual(wrapped('a bb ccc dddddd e', 4), ['a bb', 'ccc', 'dddddd', 'e']);
});
