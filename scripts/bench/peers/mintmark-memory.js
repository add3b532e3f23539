/** Mintmark with its store in memory: what its alternatives are compared with in memory, too. */
import { createTokenServer, createTokenService } from "../../../dist/index.js";
import { createApplicationSignIn } from "../../../dist/oauth/sign-in/application.js";
import { openMemoryStore } from "../../../dist/store/memory/memory.js";
import { plan, ready } from "./peer.js";

const none = { perClient: 0, perAddress: 0 };
const service = await createTokenService({
  store: openMemoryStore(),
  issuer: plan.issuer,
  open: false,
  rateLimits: { issue: none, verify: none },
});
await service.clients.ensureAdmin(process.env.BENCH_ADMIN_SECRET);
// Nothing listens there: the section says itself who signs in.
const signIn = createApplicationSignIn("http://127.0.0.1:9/sign-in");
const server = await createTokenServer(service, { port: 0, signIn });
ready(new URL(server.origin).port);
