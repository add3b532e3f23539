/** Uses the verifier in workerd: with the feed within a Durable Object, in which connections live on between requests. */
import { cells } from "./cells.mjs";

async function handle(request) {
  const { pathname, searchParams } = new URL(request.url);
  try {
    await cells[pathname.slice(1)](searchParams.get("issuer"));
    return new Response("works");
  } catch (error) {
    return new Response(String(error), { status: 500 });
  }
}

export class Guard {
  fetch(request) {
    return handle(request);
  }
}

// biome-ignore lint/style/noDefaultExport: a worker is one.
export default {
  fetch(request, env) {
    return env.GUARD.get(env.GUARD.idFromName("guard")).fetch(request);
  },
};
