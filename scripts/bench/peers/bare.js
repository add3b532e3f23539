/** The lower bound: `node:http` reads the body and answers with a constant; `/raw` verifies one signature, too. */
import { createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import { plan, ready } from "./peer.js";

const ANSWER = JSON.stringify({
  result: {
    data: { iss: plan.issuer, sub: "ada", aud: plan.audience, iat: 1, exp: 2, jti: "AAAAAAABYT_WvPeaud5xiVOO" },
  },
});
const key = createPublicKey(plan.publicPem);

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    if (request.url === "/raw") {
      const { token } = JSON.parse(Buffer.concat(chunks).toString());
      const dot = token.lastIndexOf(".");
      const signed = Buffer.from(token.slice(0, dot), "latin1");
      const signature = Buffer.from(token.slice(dot + 1), "base64url");
      if (!verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature)) response.statusCode = 401;
    }
    response.setHeader("content-type", "application/json");
    response.end(ANSWER);
  });
});
server.listen(0, "127.0.0.1", () => ready(server.address().port));
