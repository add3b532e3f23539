import { handle } from "the-app";

// biome-ignore lint/suspicious/noConsole: the test reads the port.
Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(`port ${port}`) }, handle);
