import { MintmarkError } from "../errors.ts";

/** Milliseconds. A request must be answered within two seconds, and may wait for work that itself waits for its turn. */
const PATIENCE = 1500;

/** Waits for work that a request needs. Where it takes too long, the request is refused; the work goes on. */
export async function patiently<Outcome>(work: Promise<Outcome>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new MintmarkError("unavailable")), PATIENCE);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
