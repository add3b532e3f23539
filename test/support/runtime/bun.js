import { handle } from "the-app";

// biome-ignore lint/suspicious/noConsole: the test reads the port.
console.log(`port ${Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: handle }).port}`);
