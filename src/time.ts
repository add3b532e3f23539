/**
 * Seconds: a duration, or a moment since 1970 (RFC 7519 §2, NumericDate). Whole unless stated otherwise. A plain number is
 * assignable, {@link Milliseconds} are not: `unit` exists for the compiler only.
 */
export type Seconds = number & Unit<"s">;

/** Milliseconds: a duration, or a moment of a clock. A plain number is assignable, {@link Seconds} are not. */
export type Milliseconds = number & Unit<"ms">;

/** `valueOf`, which every number has, makes plain numbers assignable: without it this is a weak type. */
type Unit<Name extends string> = { readonly unit?: Name; valueOf(): number };

/** Returns the current moment. A parameter everywhere, so that a test can freeze time. */
export type Clock = () => Seconds;

export const systemClock: Clock = () => Math.floor(Date.now() / 1000);
