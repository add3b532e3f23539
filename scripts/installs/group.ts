import { join } from "node:path";
import { install, putPrograms, run, type Work } from "./project.ts";
import type { Column, Exception, Row } from "./table.ts";

/** A part of `npm run installs`: rows of the table, and steps that print a line each. */
export type Group = { rows?: Row[]; steps?: Record<string, () => Promise<string>> };

/** Installs the packages of a group, and gives its parts. */
export type Prepare = (work: Work) => Promise<Group>;

/** Installs packages for programs that have no framework. */
export function installPlain(project: string, packages: readonly string[], words: readonly string[] = []): string {
  install(project, packages, words);
  putPrograms(project, "cells", "plain");
  return project;
}

type PlainRow = { project: string; issuer: string; env?: Record<string, string>; except?: Row["except"] };

/** A row of a runtime that runs programs without a framework. */
export function plainRow(name: string, command: readonly string[], { project, issuer, env, except }: PlainRow): Row {
  const data = join(project, `data-${name.replaceAll(/\W+/g, "-")}`);
  return {
    name,
    ...(except && { except }),
    async use(column: Column) {
      const words = column === "server" ? [data] : [];
      await run([...command, "plain.mjs", column, issuer, ...words], { cwd: project, ...(env && { env }) });
    },
  };
}

export const notApplicable = (reason: string): Exception => ({ notApplicable: reason });
