/** Does a step, and prints how long it took. */
export async function step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const start = performance.now();
  const result = await work();
  print(`${inMs(performance.now() - start)}  ${name}`);
  return result;
}

export function inMs(duration: number): string {
  return `${duration.toFixed(1).padStart(9)} ms`;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
