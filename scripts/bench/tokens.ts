import { type KeyObject, sign } from "node:crypto";
import { ISSUER, privateKey, type Running } from "./contenders.ts";

/** Different tokens that a contender accepts: its own, or signed here with the key of the plan. */
export async function tokensFor(running: Running, count: number): Promise<string[]> {
  if (!running.signsItself) {
    return Array.from({ length: count }, () => signed(privateKey));
  }
  const tokens: string[] = [];
  const { port, isTrpc } = running;
  while (tokens.length < count) {
    const length = Math.min(50, count - tokens.length);
    tokens.push(...(await Promise.all(Array.from({ length }, () => issuedBy(port, isTrpc)))));
  }
  return tokens;
}

async function issuedBy(port: number, isTrpc: boolean): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${isTrpc ? "/trpc/getToken" : "/issue"}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ subject: "ada", scope: "orders:read", claims: { role: "reader" } }),
  });
  const answer = (await response.json()) as { token: string; result: { data: { token: string } } };
  return isTrpc ? answer.result.data.token : answer.token;
}

let signedCount = 0;
function signed(key: KeyObject): string {
  signedCount += 1;
  const iat = Math.floor(Date.now() / 1000);
  const claims = { role: "reader", iss: ISSUER, sub: "ada", aud: ISSUER, iat, exp: iat + 3600, scope: "orders:read" };
  const parts = [
    { alg: "ES256", typ: "JWT", kid: "bench" },
    { ...claims, jti: String(signedCount).padStart(24, "A") },
  ];
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}
