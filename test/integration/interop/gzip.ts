import { gunzipSync, gzipSync } from 'node:zlib';
import type { CompressionAdapter } from 'keyv';

/** Compression as Keyv has it done. */
export const gzip: CompressionAdapter = {
  compress: async (value: string) => gzipSync(value).toString('base64'),
  decompress: async (value: string) => gunzipSync(Buffer.from(value, 'base64')).toString('utf8'),
  serialize: async ({ value, expires }) => JSON.stringify({ value: await gzip.compress(value), expires }),
  deserialize: async (text: string) => {
    const { value, expires } = JSON.parse(text);
    return { value: await gzip.decompress(value), expires };
  },
};
