/** Does all work, 4 at a time: of a thousand at once, most would wait longer for a connection than they may. */
export async function crowd<Outcome>(work: readonly (() => Promise<Outcome>)[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const queue = work.entries();
  const next = async () => {
    for (const [at, call] of queue) outcomes[at] = await call();
  };
  await Promise.all(Array.from({ length: 4 }, next));
  return outcomes;
}
