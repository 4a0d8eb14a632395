import { FluxError } from '../base/errors.ts';

/** Thrown by what would make a reply larger than its limit; whoever runs commands answers with `tellTooLarge`. */
export class ReplyTooLarge extends FluxError {
  constructor(bytesMax: number) {
    super('request-too-large', `the reply would have more than ${bytesMax} bytes; ask for less at once`);
  }
}
