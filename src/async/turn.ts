/** A turn of the event loop. Compared by identity. */
export type Turn = { readonly turn?: never };

let current: Turn | undefined;

/** The present turn of the event loop: the same object until all that can run at once has run. */
export function currentTurn(): Turn {
  if (current === undefined) {
    current = {};
    setImmediate(() => {
      current = undefined;
    });
  }
  return current;
}
