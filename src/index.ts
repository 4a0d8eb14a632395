/** FluxCache's client library: what `import … from 'fluxcache'` gives. See client/README.md. */
export type { BatchBuilder, BatchResult, BatchResults } from './client/batch.ts';
export type { CallOptions } from './client/call.ts';
export { createClient, FluxClient, type InvalidateOptions } from './client/client.ts';
export type { Codec } from './client/codec.ts';
export {
  AbortError,
  ClosedError,
  ConnectionError,
  FluxCacheError,
  type FluxCacheErrorCode,
  LoadError,
  QueueFullError,
  ReplyError,
  TimeoutError,
} from './client/errors.ts';
export type { ClientEventName, ClientEvents, ClientListener } from './client/events.ts';
export type { GetOrSetOptions, LoadContext, Loader } from './client/fill/fill-options.ts';
export type { WrapOptions, Wrapped } from './client/fill/wrap.ts';
export type { JsonCommands } from './client/json-commands.ts';
export type { JsonSetOptions } from './client/json-operations.ts';
export type { NearCacheFacts } from './client/near-cache/near-cache.ts';
export type { NearCacheOptions } from './client/near-cache/near-options.ts';
export type { NodeAddress } from './client/node-address.ts';
export type { Operation, RunPart, Safety, Spread } from './client/operation.ts';
export type { Entries, Entry, ExpireOptions, SetOptions, SetResult } from './client/operations.ts';
export type { ClientOptions, QueueOptions, ReadFrom, RetryOptions, TlsOptions } from './client/options.ts';
export type { ScanOptions } from './client/scan.ts';
export type {
  Message,
  MessageListener,
  SubscribeOptions,
  Subscription,
  SubscriptionTarget,
} from './client/subscription.ts';
export type { Json, Key, Storable, Value, ValueTypeName, ValueTypes } from './client/values.ts';
export type { EngineOptions } from './embedded/embedded-options.ts';
export { type EmbeddedOptions, FluxCache } from './flux-cache.ts';
