import { decodeTraceparent, type TraceContext } from '../../protocol/http/trace-context.ts';
import type { UwsRequest, UwsResponse } from './uws.ts';

/**
 * Who sent a request, and as a part of which trace: copied out of the engine while it still tells, and made sense of only
 * when the request's command was slow.
 */
export class HttpCaller {
  readonly protocol = 'http';
  readonly name = '';
  readonly #address: ArrayBuffer;
  readonly #traceparent: string;

  /** `isRelayed`: the engine has the request from a server of ours in front of it, which names the client. */
  constructor(response: UwsResponse, request: UwsRequest, isRelayed: boolean) {
    this.#address = isRelayed ? response.getProxiedRemoteAddressAsText() : response.getRemoteAddressAsText();
    this.#traceparent = request.getHeader('traceparent');
  }

  get address(): string {
    return Buffer.from(this.#address).toString('latin1');
  }

  get trace(): TraceContext | null {
    return decodeTraceparent(this.#traceparent);
  }
}
