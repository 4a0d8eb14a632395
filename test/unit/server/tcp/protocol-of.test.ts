import test from 'ava';
import { protocolOf } from '../../../../src/server/tcp/protocol-of.ts';

test('the first byte tells RESP, MessagePack-RPC, other nodes and TLS apart', (t) => {
  for (const text of ['*1', 'PING', 'get', '"', '\r\n', '\n', ' ', '$', '9']) {
    t.is(protocolOf(text.charCodeAt(0)), 'resp', JSON.stringify(text));
  }
  for (const byte of [0x93, 0x94, 0xdc, 0xdd]) t.is(protocolOf(byte), 'msgpack-rpc', byte.toString(16));
  t.is(protocolOf(0x16), 'tls');
  t.is(protocolOf(0xf1), 'peer');
  for (const byte of [0x00, 0x01, 0x7f, 0x80, 0x90, 0xc0, 0xff]) t.is(protocolOf(byte), 'unknown', byte.toString(16));
});
