import test from 'ava';
import { continuationOf, parseSyntax } from '../../../src/cli/syntax.ts';
import { completionsOf, hintFor, visibleCommands } from '../../../src/cli/typed-line.ts';

test('a hint is what of the syntax is still to come', (t) => {
  t.is(hintFor('expire'), ' key seconds [NX | XX | GT | LT]');
  t.is(hintFor('expire '), 'key seconds [NX | XX | GT | LT]');
  t.is(hintFor('EXPIRE k'), ' seconds [NX | XX | GT | LT]');
  t.is(hintFor('expire k 10 '), '[NX | XX | GT | LT]');
  t.is(hintFor('expire k 10 nx '), '');
  t.is(hintFor('expire "a b" 10 '), '[NX | XX | GT | LT]');
  t.is(hintFor('mset a 1 '), '[key value ...]');
  t.is(hintFor('mset a 1 b '), 'value [key value ...]');
});

test('a hint leaves out options that are used, and shows what an option still needs', (t) => {
  t.is(hintFor('json.get k INDENT '), 'indent [NEWLINE newline] [SPACE space] [path [path ...]]');
  t.is(hintFor('scan 0 count 5 '), '[MATCH pattern] [TYPE type]');
  t.is(hintFor('scan 0 m'), 'atch pattern');
  t.is(hintFor('scan 0 M'), 'ATCH pattern');
});

test('what fits no syntax, and what is no command, has no hint', (t) => {
  for (const line of ['', ' ', 'nosuch ', 'get k extra ', 'set k v NOSUCH ', 'object nosuch k ', 'get|x ']) {
    t.is(hintFor(line), '', line);
  }
});

test('containers hint at their subcommands, and subcommands at their own arguments', (t) => {
  t.regex(hintFor('object '), /^ENCODING \| /);
  t.is(hintFor('object enc'), 'oding');
  t.is(hintFor('object encoding '), 'key');
});

test('every syntax of the table is taken apart and put together again', (t) => {
  for (const { name, syntax } of visibleCommands) {
    t.is(continuationOf(parseSyntax(syntax), []).rest, syntax, name);
  }
});

test('completions keep the case that is typed and are of commands, subcommands and option words', (t) => {
  t.deepEqual(completionsOf('getd'), [['getdel '], 'getd']);
  t.deepEqual(completionsOf('GETD'), [['GETDEL '], 'GETD']);
  t.deepEqual(completionsOf('Get')[0].slice(0, 2), ['Get', 'GetDEL']);
  t.deepEqual(completionsOf('expire k 1 '), [['gt', 'lt', 'nx', 'xx'], '']);
  t.deepEqual(completionsOf('EXPIRE k 1 N'), [['NX '], 'N']);
  t.true(completionsOf('object ')[0].includes('encoding'));
  t.deepEqual(completionsOf('help getd'), [['getdel '], 'getd']);
  t.deepEqual(completionsOf('get ke'), [[], 'ke']);
});

test('nothing that clients cannot send is offered', (t) => {
  const [names] = completionsOf('');
  t.true(names.includes('get') && names.includes('help'));
  t.deepEqual(
    names.filter((name) => name.includes('|')),
    [],
  );
  t.true(visibleCommands.every(({ group }) => group !== 'internal'));
});
