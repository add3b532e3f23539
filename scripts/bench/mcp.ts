import { createTokenClient } from "../../src/client/client.ts";
import { openPerson, post, REDIRECT_URI, serveMcp, startIssuer } from "../../test/support/mcp-issuer.ts";
import { loadPrograms } from "../../test/support/mcp-programs.ts";
import { revokeAndWatch } from "./revoke.ts";
import { inMilliseconds, type Report } from "./support.ts";

const ROUNDS = 100;

/**
 * Disconnect: from the answer to the product that ends a consent, to the refusal of the token by the verifier of an MCP server,
 * which follows the feed. Each round connects another official client.
 */
export async function measure(): Promise<Report> {
  const { servers, clients } = await loadPrograms();
  const report: Report = {};
  console.warn = () => {};
  await using issuer = await startIssuer();
  const { consents } = createTokenClient({ url: issuer.url });
  for (const name of ["2.x in Express", "1.x in Express"]) {
    const kind = servers[name];
    if (kind === undefined) throw new Error(`There is no server ${name}`);
    await using server = await serveMcp(kind, issuer.url);
    const { resource } = server;
    const delays: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const client = clients["2.x"]?.(resource, {
        clientMetadataUrl: issuer.clientMetadataUrl,
        redirectUri: REDIRECT_URI,
      });
      if (client === undefined) throw new Error("There is no client 2.x");
      await client.call("greet");
      await openPerson("ada").finish(client);
      const { access_token: token } = client.kept.tokens ?? {};
      if ((await post(resource, { token })).status !== 200) throw new Error("The client is not connected");
      const disconnect = () => consents.revoke.mutate({ subject: "ada", clientId: issuer.clientMetadataUrl });
      delays.push(...(await revokeAndWatch([server.verifier], token ?? "", disconnect)));
      if ((await post(resource, { token })).status !== 401) throw new Error("The client is still connected");
      await client.close();
    }
    report[`disconnect at a server ${name}`] = inMilliseconds(delays);
  }
  return report;
}
