import { createClient, FluxClient } from './client/client.ts';
import { type ClientOptions, resolveOptions } from './client/options.ts';
import type { EngineOptions } from './embedded/embedded-options.ts';

/** What of a client's options is about a server elsewhere. */
type Whereabouts = 'url' | 'host' | 'port' | 'endpoints' | 'cluster' | 'readFrom' | 'user' | 'password' | 'tls';

/** An engine in this process, and the client of it. */
export interface EmbeddedOptions extends EngineOptions {
  readonly client?: Omit<ClientOptions, Whereabouts> | undefined;
}

/** The two ways to a client: of a server, or of an engine in this very process. */
export const FluxCache = {
  /** A client that is connected and logged in; rejects when the first try fails. See {@link createClient}. */
  async connect(options: string | ClientOptions = {}): Promise<FluxClient> {
    const client = createClient(options);
    try {
      await client.connect();
      return client;
    } catch (error) {
      client.destroy();
      throw error;
    }
  },

  /**
   * The same client on an engine of its own in this process: no server, no socket, nothing that outlives it. For tests, and
   * for applications of a single process. Its threads keep the process alive until it is closed.
   */
  async embedded(options: EmbeddedOptions = {}): Promise<FluxClient> {
    const { client = {}, ...engine } = options;
    // What is wrong with these is told before anything is started.
    resolveOptions(client);
    // Who has a server elsewhere loads nothing of an engine.
    const { startEmbedded } = await import('./start-embedded.ts');
    return new FluxClient(client, await startEmbedded(engine));
  },
} as const;
