/** The seams through which pure code is given time and randomness. */

/** Wall-clock time in milliseconds since the Unix epoch. */
export interface Clock {
  nowMs(): number;
}

/** A source of uniformly distributed 32-bit unsigned integers. */
export interface Random {
  nextUint32(): number;
}

/** Structured logging as pino shapes it: fields first, then the message. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For choices that nobody gains from foreseeing. */
export const plainRandom: Random = { nextUint32: () => Math.floor(Math.random() * 2 ** 32) };

const secureWords = new Uint32Array(64);
let secureLeft = 0;

/** For what nobody is to foresee. */
export const secureRandom: Random = {
  nextUint32: () => {
    if (secureLeft === 0) {
      crypto.getRandomValues(secureWords);
      secureLeft = secureWords.length;
    }
    return secureWords[--secureLeft] as number;
  },
};

export const systemClock: Clock = { nowMs: () => Date.now() };
