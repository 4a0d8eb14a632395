import { copyBytes } from '../../base/copy-bytes.ts';
import { Args } from '../../command/args.ts';

/** The same arguments in memory of their own, for a command that outlives the call it came with. */
export function copyArgs(args: Args): Args {
  let total = 0;
  for (let index = 0; index < args.count; index++) total += args.byteLength(index);
  const copy = new Args();
  copy.clear(new Uint8Array(total));
  let at = 0;
  for (let index = 0; index < args.count; index++) {
    const length = args.byteLength(index);
    copyBytes(args.bytes, args.start(index), copy.bytes, at, length);
    copy.push(at, at + length);
    at += length;
  }
  return copy;
}

/** As `copyArgs`, null when they have more than `bytesMax` bytes. */
export function copySmallArgs(args: Args, bytesMax: number): Args | null {
  let bytes = 0;
  for (let index = 0; index < args.count && bytes <= bytesMax; index++) bytes += args.byteLength(index);
  return bytes <= bytesMax ? copyArgs(args) : null;
}
