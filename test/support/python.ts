import { execFile, spawnSync } from "node:child_process";

/** Libraries that a distribution packages are there for its own interpreter only, whatever comes first on the path. */
const INTERPRETERS = ["python3", "/usr/bin/python3"];

/** Gives the first interpreter that can import these modules. */
export function findPython(modules: string): string | undefined {
  return INTERPRETERS.find((python) => spawnSync(python, ["-c", `import ${modules}`]).status === 0);
}

/** Runs a script that reads JSON from standard input and prints JSON. A secret in the input is in no process list. */
export function runPython(python: string, script: string, input: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // A proxy of the environment would be asked even for this machine.
    const env = { ...process.env, no_proxy: "127.0.0.1" };
    const child = execFile(python, ["-c", script], { env }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr || error.message));
      else resolve(JSON.parse(stdout));
    });
    child.stdin?.end(JSON.stringify(input));
  });
}
