import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { createTokenClient } from "../../../src/client/client.ts";
import type { Pool } from "./pool.ts";
import type { Conversation } from "./requests.ts";

/** Records the requests of the real client through a relay. */
export async function recordClient(port: number, { client }: Pick<Pool, "client">): Promise<Conversation[]> {
  let chunks: Buffer[] = [];
  const relay = createServer((socket) => {
    const server = connect(port, "127.0.0.1");
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.pipe(server).pipe(socket);
    for (const end of [socket, server]) end.on("error", () => end.destroy());
  });
  await once(relay.listen(0, "127.0.0.1"), "listening");
  const recorded = createTokenClient({ url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}` });
  const { token, refreshToken = "" } = await client.getToken.query({ refreshable: true });
  const conversations: Conversation[] = [];
  const calls: (() => Promise<unknown>)[] = [
    () => recorded.getToken.query({ subject: "ada", scope: "a b", claims: { role: "reader" } }),
    () => recorded.verifyToken.mutate({ token, scope: "a" }),
    () => recorded.introspectToken.mutate({ token }),
    () => Promise.all([recorded.verifyToken.mutate({ token }), recorded.introspectToken.mutate({ token })]),
    () => recorded.refreshToken.mutate({ refreshToken }),
    () => recorded.keys.list.query(),
    () => recorded.clients.list.query(),
    () => recorded.audit.list.query({ limit: 5 }),
    () => recorded.revokeToken.mutate({ token }),
  ];
  for (const call of calls) {
    chunks = [];
    await call().catch(() => {});
    const said = Buffer.concat(chunks).toString("latin1").replaceAll(token, "@T0@").replaceAll(refreshToken, "@R0@");
    const request = Buffer.from(said.replace(/content-length: \d+/i, "content-length: @L@"), "latin1");
    conversations.push({ requests: [request], from: conversations.length, isFramed: true });
  }
  relay.close();
  return conversations;
}
