import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { handle } from "the-app";

const server = createServer(async (request, response) => {
  const init = { method: "POST", body: await text(request) };
  response.end(await (await handle(new Request("http://127.0.0.1/", init))).text());
});
// biome-ignore lint/suspicious/noConsole: the test reads the port.
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
