import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Copy,
  DockerfileParser,
  type Instruction,
  type JSONInstruction,
  type PropertyInstruction,
} from "dockerfile-ast";
import { ROOT } from "./documents.ts";

export const dockerfile: string = readFileSync(join(ROOT, "Dockerfile"), "utf8");

export type Step =
  | { do: "run"; command: string }
  | { do: "workdir"; path: string }
  | { do: "copy"; stage: string | undefined; sources: string[]; target: string };

/** One `FROM` of the Dockerfile, and what the image has that comes of the last one. */
export type Stage = { name: string; base: string; steps: Step[] };

const parsed = DockerfileParser.parse(dockerfile);

/** The stages in their order. A base is named with the default of its `ARG`. */
export function stages(): Stage[] {
  const found: Stage[] = [];
  for (const instruction of parsed.getInstructions()) {
    const words = instruction.getArguments().map((argument) => argument.getValue());
    if (instruction.getKeyword() === "FROM") found.push({ name: words[2] ?? "", base: baseOf(words[0]), steps: [] });
    const step = stepOf(instruction, words);
    if (step !== undefined) found.at(-1)?.steps.push(step);
  }
  return found;
}

function baseOf(name = ""): string {
  const defaults = parsed.getInitialARGs().map((arg) => arg.getProperty());
  return defaults.find((property) => `\${${property?.getName()}}` === name)?.getValue() ?? name;
}

function stepOf(instruction: Instruction, words: string[]): Step | undefined {
  if (instruction.getKeyword() === "RUN") return { do: "run", command: words.join(" ") };
  if (instruction.getKeyword() === "WORKDIR") return { do: "workdir", path: words[0] ?? "" };
  if (instruction.getKeyword() !== "COPY") return undefined;
  const stage = (instruction as Copy).getFromFlag()?.getValue() ?? undefined;
  return { do: "copy", stage, sources: words.slice(0, -1), target: words.at(-1) ?? "" };
}

/** The one instruction of that keyword in the last stage. */
function only<Kind extends Instruction>(keyword: string): Kind {
  const last = parsed.getInstructions().findLastIndex((it) => it.getKeyword() === "FROM");
  const [found, second] = parsed.getInstructions().filter((it, at) => at > last && it.getKeyword() === keyword);
  if (found === undefined || second !== undefined) throw new Error(`The image has not one ${keyword}`);
  return found as Kind;
}

/** How the image runs: user, environment, and commands in exec form, as lists of words. */
export function imageConfig() {
  const value = (keyword: string) =>
    only(keyword)
      .getArguments()
      .map((argument) => argument.getValue())
      .join(" ");
  const environment = only<PropertyInstruction>("ENV").getProperties();
  return {
    user: value("USER"),
    volume: value("VOLUME"),
    directory: value("WORKDIR"),
    stopSignal: value("STOPSIGNAL"),
    environment: Object.fromEntries(environment.map((it) => [it.getName(), it.getValue() ?? ""])),
    command: execForm(only<JSONInstruction>("CMD")),
    healthCheck: execForm(only<JSONInstruction>("HEALTHCHECK")),
  };
}

function execForm(instruction: JSONInstruction): string[] {
  const [, list = ""] = /(\[.*\])\s*$/s.exec(instruction.getRawArgumentsContent() ?? "") ?? [];
  return JSON.parse(list);
}
