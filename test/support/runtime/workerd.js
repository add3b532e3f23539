import { handle } from "the-app";

/** Lives on between requests, with its connections. */
export class Guard {
  fetch(request) {
    return handle(request);
  }
}

/** A plain worker ends its connections with each request; a path chooses it. */
// biome-ignore lint/style/noDefaultExport: a worker is one.
export default {
  fetch(request, env) {
    if (new URL(request.url).pathname === "/stateless") return handle(request);
    return env.GUARD.get(env.GUARD.idFromName("guard")).fetch(request);
  },
};
