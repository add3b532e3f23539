import { join } from "node:path";
import type { Group, Prepare } from "./group.ts";
import { install, peers, putPrograms, run, versionOf, type Work } from "./project.ts";

/** A framework, by its program in `programs`. */
function framework(name: string, program: string, packages: readonly string[]): Prepare {
  return async ({ folder, tarball, issuer }: Work): Promise<Group> => {
    const project = join(folder, program);
    install(project, [tarball, ...peers(), ...packages]);
    putPrograms(project, "cells", "framework", program);
    return {
      rows: [
        {
          name: `${name} ${versionOf(project, program)}`,
          use: async (column) =>
            void (await run([process.execPath, "framework.mjs", program, column, issuer], { cwd: project })),
        },
      ],
    };
  };
}

export const express = framework("Express", "express", ["express"]);
export const fastify = framework("Fastify", "fastify", ["fastify"]);
export const hono = framework("Hono", "hono", ["hono", "@hono/node-server"]);
