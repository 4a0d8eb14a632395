import type { ClientPort, ClientsPort } from '../../command/connection.ts';

/** A connection that can be closed. */
export interface ListedClient extends ClientPort {
  /** Closes it at once. */
  close(): void;
}

/** All connections of the node's TCP port. */
export class ClientList implements ClientsPort {
  readonly #clients = new Map<number, ListedClient>();

  add(client: ListedClient): void {
    this.#clients.set(client.id, client);
  }

  remove(client: ListedClient): void {
    this.#clients.delete(client.id);
  }

  all(): Iterable<ClientPort> {
    return this.#clients.values();
  }

  byId(id: number): ClientPort | undefined {
    return this.#clients.get(id);
  }

  kill(client: ClientPort): void {
    this.#clients.get(client.id)?.close();
  }

  pause(_untilMs: number, _writesOnly: boolean): void {}

  unpause(): void {}
}
