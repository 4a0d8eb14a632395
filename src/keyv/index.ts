/** The storage adapter for Keyv: what `import … from 'fluxcache/keyv'` gives. See README.md beside it. */
export { KeyvFluxCache, type KeyvFluxCacheEntry, type KeyvFluxCacheOptions } from './keyv-flux-cache.ts';
