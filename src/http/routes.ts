import type { ServerResponse } from "node:http";
import type { ServedRouter } from "../router/procedure.ts";
import type { ServedDocument } from "./pages/pages.ts";

/** Where requests go: a document, a procedure, or one of those that stand for all the rest. */
export type Route = {
  /** Of a closed list: an unknown path is no name. */
  name: string;
  document?: ServedDocument | undefined;
  /** How many requests were answered, by the first digit of the status; at 0, those whose client left before. */
  answers: number[];
};

export type Routes = {
  find(path: string): Route;
  all(): readonly Route[];
  /** What is found for a path at which there is nothing. */
  unknown: Route;
};

/** The routes of a handler. What is not there, and batches, are counted together: callers make no new names. */
export function createRoutes(
  documents: ReadonlyMap<string, ServedDocument>,
  { router, basePath }: { router: ServedRouter; basePath: string },
): Routes {
  const byPath = new Map<string, Route>();
  for (const [path, document] of documents) byPath.set(path, route(path, document));
  for (const name of Object.keys(router._def.procedures)) byPath.set(basePath + name, route(basePath + name));
  const [otherCalls, unknown] = [route(basePath), route("unknown")];
  const routes = [...byPath.values(), otherCalls, unknown];
  return {
    find: (path) => byPath.get(path) ?? (path.startsWith(basePath) ? otherCalls : unknown),
    all: () => routes,
    unknown,
  };
}

/** Counts how a request is answered, when it is. */
export function countAnswer({ answers }: Route, response: ServerResponse): void {
  response.on("close", () => {
    const digit = response.headersSent ? Math.floor(response.statusCode / 100) : 0;
    answers[digit] = (answers[digit] ?? 0) + 1;
  });
}

function route(name: string, document?: ServedDocument): Route {
  return { name, document, answers: [0, 0, 0, 0, 0, 0] };
}
