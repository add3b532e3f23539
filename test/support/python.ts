import { execFile, spawnSync } from "node:child_process";

/** Packages of a distribution work with its own interpreter only, whatever comes first in PATH. */
const INTERPRETERS = ["python3", "/usr/bin/python3"];

/** Fails without a module. To import them all takes half a second. */
const FIND = "import sys, importlib.util as util; sys.exit(any(util.find_spec(name) is None for name in sys.argv[1:]))";

/** The first interpreter that has these modules. */
export function findPython(...modules: string[]): string | undefined {
  return INTERPRETERS.find((python) => spawnSync(python, ["-c", FIND, ...modules]).status === 0);
}

/** Runs a script that reads JSON from standard input and prints JSON. A secret in the input is in no process list. */
export function runPython(python: string, script: string, input: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // Otherwise a proxy of the environment would be used even for this machine.
    const env = { ...process.env, no_proxy: "127.0.0.1" };
    const child = execFile(python, ["-c", script], { env }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr || error.message));
      else resolve(JSON.parse(stdout));
    });
    child.stdin?.end(JSON.stringify(input));
  });
}
