import test from 'ava';
import { type CommandArgument, parseSyntax } from '../../../../src/command/introspection/syntax.ts';
import { commandTable } from '../../../../src/command/table.ts';

/** Arguments in a short notation: `name:type`, TOKEN= in front, members in parentheses, `?` optional, `+` multiple. */
function short({ name, type, token, isOptional, isMultiple, repeatsToken, members }: CommandArgument): string {
  const inner = members.length > 0 ? `(${members.map(short).join(' ')})` : '';
  const flags = `${isOptional ? '?' : ''}${isMultiple ? '+' : ''}${repeatsToken ? '+' : ''}`;
  return `${token === null ? '' : `${token}=`}${name}:${type}${inner}${flags}`;
}

function parsed(syntax: string): string {
  return parseSyntax(syntax).map(short).join(' ');
}

test('words are values of the types their names say, tokens words of their own', (t) => {
  t.is(parsed(''), '');
  t.is(parsed('key value'), 'key:key value:string');
  t.is(
    parsed('key seconds pattern unix-time-seconds'),
    'key:key seconds:integer pattern:pattern unix-time-seconds:unix-time',
  );
  t.is(parsed('[REPLACE]'), 'REPLACE=replace:pure-token?');
});

test('a token takes the value behind it, several in a group of its own', (t) => {
  t.is(parsed('[MATCH pattern] [COUNT count]'), 'MATCH=pattern:pattern? COUNT=count:integer?');
  t.is(parsed('[LIMIT offset count]'), 'LIMIT=limit:block(offset:integer count:integer)?');
  t.is(parsed('TO host port'), 'TO=to:block(host:string port:integer)');
  t.is(parsed('key TYPE <A | B>'), 'key:key TYPE=a_b:oneof(A=a:pure-token B=b:pure-token)');
});

test('alternatives are one argument, optional in brackets', (t) => {
  t.is(parsed('[NX | XX]'), 'nx_xx:oneof(NX=nx:pure-token XX=xx:pure-token)?');
  t.is(parsed('<a | b c>'), 'a_b_c:oneof(a:string b_c:block(b:string c:string))');
  t.is(parsed('[EX seconds | PERSIST]'), 'seconds_persist:oneof(EX=seconds:integer PERSIST=persist:pure-token)?');
});

test('what may be repeated is multiple', (t) => {
  t.is(parsed('key [key ...]'), 'key:key+');
  t.is(parsed('key value [key value ...]'), 'key_value:block(key:key value:string)+');
  t.is(parsed('[section [section ...]]'), 'section:string?+');
  t.is(parsed('subcommand [argument ...]'), 'subcommand:string argument:string?+');
  t.is(parsed('[ID client-id [client-id ...]]'), 'ID=client-id:integer?+');
  t.is(parsed('[PREFIX prefix [PREFIX prefix ...]]'), 'PREFIX=prefix:string?++');
  t.is(parsed('key [key ...] path'), 'key:key+ path:string');
});

test('groups stand within groups', (t) => {
  t.is(
    parsed('[protover [AUTH username password] [SETNAME clientname]]'),
    'protover_auth_clientname:block(protover:integer AUTH=auth:block(username:string password:string)? SETNAME=clientname:string?)?',
  );
});

test('text that is not of the notation is refused', (t) => {
  for (const syntax of ['[a', 'a]', '<a', 'a | b', '[a>', '...'])
    t.throws(() => parseSyntax(syntax), undefined, syntax);
});

test('the syntax of every command is of the notation, and as many values come first as its arity asks for', (t) => {
  for (const { name, syntax, arity, kind } of commandTable.commands) {
    const args = parseSyntax(syntax);
    if (kind === 'container') continue;
    const ownWords = name.split('|').length;
    const values = args.filter(({ isOptional }) => !isOptional).map(widthOf);
    const least = values.reduce((sum, width) => sum + width, ownWords);
    t.true(least <= Math.abs(arity), `${name}: ${syntax}`);
    const isOpenEnded = args.some(({ isOptional, isMultiple }) => isOptional || isMultiple);
    if (!isOpenEnded && arity > 0) t.is(least, arity, `${name}: ${syntax}`);
  }
});

/** The fewest words an argument takes. */
function widthOf({ type, token, members }: CommandArgument): number {
  const required = members.filter(({ isOptional }) => !isOptional).map(widthOf);
  const inner = type === 'block' ? required.reduce((sum, width) => sum + width, 0) : Math.min(...required);
  const own = type === 'pure-token' ? 0 : 1;
  return (token === null ? 0 : 1) + (members.length > 0 ? inner : own);
}
