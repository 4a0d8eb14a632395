import type { FluxCacheError } from './errors.ts';
import type { NodeAddress } from './node-address.ts';
import type { Key } from './values.ts';

/** What a client tells of itself, by the events' names. */
export interface ClientEvents {
  /** A connection was made and logged in. */
  connect: { readonly host: string; readonly port: number };
  /** A connection was lost or not made, and is tried again. `attempt` counts from 1. */
  reconnecting: { readonly attempt: number; readonly delayMs: number; readonly error: FluxCacheError };
  /** A connection was lost, or its credentials refused. Nobody has to listen. */
  error: FluxCacheError;
  /** Of a cluster: which nodes there are, or which keys they have, is known or has changed. Primaries come first. */
  topology: { readonly nodes: readonly NodeAddress[] };
  /**
   * Something of `getOrSet` failed whose caller was given a value all the same: a value was loaded anew behind a stale one
   * (`revalidate`), could not be stored (`store`), or was loaded because the server is away (`lookup`, told once a while).
   */
  fillError: { readonly key: Key; readonly during: 'revalidate' | 'store' | 'lookup'; readonly error: unknown };
  /** The client was closed, and nothing of it is left. */
  close: undefined;
}

export type ClientEventName = keyof ClientEvents;
export type ClientListener<Name extends ClientEventName> = (event: ClientEvents[Name]) => void;

/** Listeners by the names of events. Unlike Node's emitter it is typed by them, and `error` needs no listener. */
export class ClientEventTarget {
  readonly #listeners: { readonly [Name in ClientEventName]: Set<ClientListener<Name>> } = {
    connect: new Set(),
    reconnecting: new Set(),
    error: new Set(),
    topology: new Set(),
    fillError: new Set(),
    close: new Set(),
  };

  on<Name extends ClientEventName>(name: Name, listener: ClientListener<Name>): void {
    this.#listeners[name].add(listener);
  }

  off<Name extends ClientEventName>(name: Name, listener: ClientListener<Name>): void {
    this.#listeners[name].delete(listener);
  }

  /** A listener that throws does not keep the client from its work: its error is thrown on a turn of its own. */
  emit<Name extends ClientEventName>(name: Name, event: ClientEvents[Name]): void {
    for (const listener of [...this.#listeners[name]]) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
