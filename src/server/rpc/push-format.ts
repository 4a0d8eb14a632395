import { ResponseEncoder } from '../../protocol/msgpack-rpc/response-encoder.ts';
import { type PushFormat, pushFormatIndex } from '../pubsub/push.ts';

const encoder = new ResponseEncoder();

/** A push `[name, …rest]` is the notification `[2, name, rest]`. */
export const rpcPushFormat: PushFormat = {
  index: pushFormatIndex.msgpack,
  encode: (reader) => encoder.notification(reader),
};
