/** The version of Redis whose answers FluxCache's are like; clients look at it to know what they may send. */
export const redisVersion = '7.0.15';
