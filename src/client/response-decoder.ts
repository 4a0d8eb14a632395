import { Unpackr } from 'msgpackr';
import { malformed, ResponseFraming } from './response-framing.ts';

/** What a server sends: the answer to a request, or something unasked. */
export type ServerMessage =
  | { readonly kind: 'response'; readonly id: number | null; readonly error: unknown; readonly result: unknown }
  | { readonly kind: 'notification'; readonly method: string; readonly params: readonly unknown[] };

const unpackr = unpackrOf(true);
/** msgpackr renames the member `__proto__` of an object; a Map keeps it. */
const mapUnpackr = unpackrOf(false);

/** Decodes a stream of MessagePack-RPC messages. Integers beyond 2^53 are bigint, bytes are Uint8Array. */
export class ResponseDecoder {
  readonly #framing: ResponseFraming;

  constructor(messageBytesMax: number) {
    this.#framing = new ResponseFraming(messageBytesMax);
  }

  /** The chunk may be kept and must stay as it is. */
  push(chunk: Uint8Array): void {
    this.#framing.push(chunk);
  }

  /**
   * The next whole message, or null when it is not all there.
   * @throws ConnectionError `malformed-response`: nothing after this can be read
   */
  next(): ServerMessage | null {
    return this.#framing.next() ? this.#message(this.#decode()) : null;
  }

  #decode(): unknown {
    const { bytes, start, end, hasProto } = this.#framing;
    try {
      const range = { start, end };
      return hasProto ? withoutMaps(mapUnpackr.unpack(bytes, range)) : unpackr.unpack(bytes, range);
    } catch (error) {
      throw malformed(`cannot be decoded (${error instanceof Error ? error.message : String(error)})`);
    }
  }

  #message(message: unknown): ServerMessage {
    if (Array.isArray(message)) {
      const [type, second, third, fourth] = message as unknown[];
      if (type === 1 && message.length === 4 && (second === null || typeof second === 'number')) {
        return { kind: 'response', id: second, error: third, result: fourth };
      }
      if (type === 2 && message.length === 3 && typeof second === 'string' && Array.isArray(third)) {
        return { kind: 'notification', method: second, params: third };
      }
    }
    throw malformed('is neither a response nor a notification of MessagePack-RPC');
  }
}

function unpackrOf(mapsAsObjects: boolean): Unpackr {
  // A plain object, since msgpackr's types do not name 'auto': numbers where these are exact, bigint beyond.
  const options: object = { useRecords: false, copyBuffers: true, int64AsType: 'auto', mapsAsObjects };
  return new Unpackr(options);
}

/** Objects in place of maps, `__proto__` a member like any other. */
function withoutMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMaps);
  if (!(value instanceof Map)) return value;
  const object: Record<string, unknown> = {};
  for (const [name, member] of value) {
    Object.defineProperty(object, String(name), {
      value: withoutMaps(member),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}
