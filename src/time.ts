/** Whole seconds: a length of time, or a moment counted from 1970 (RFC 7519 §2, NumericDate). */
export type Seconds = number;

/** Tells the current moment. Everything below the edge is handed one, so a test can stop time. */
export type Clock = () => Seconds;

export const systemClock: Clock = () => Math.floor(Date.now() / 1000);
