/**
 * Seconds: a duration, or a moment since 1970 (RFC 7519 §2, NumericDate). Whole where not said otherwise. A plain number
 * is assignable, {@link Milliseconds} are not: `unit` exists for the compiler alone.
 */
export type Seconds = number & Unit<"s">;

/** Milliseconds: a duration, or a moment of a clock. A plain number is assignable, {@link Seconds} are not. */
export type Milliseconds = number & Unit<"ms">;

/** `valueOf`, which every number has, keeps this from being a weak type, to which no plain number is assignable. */
type Unit<Name extends string> = { readonly unit?: Name; valueOf(): number };

/** Gives the current moment. Everything below the edge takes one, so that a test can freeze time. */
export type Clock = () => Seconds;

export const systemClock: Clock = () => Math.floor(Date.now() / 1000);
