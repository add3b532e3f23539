/**
 * Counts how many one-character changes of a valid token still verify: by Mintmark, and by jose alone
 * with issuer, audience, algorithm and type fixed. Takes two minutes: changes of the `kid` are looked up, ten a second at most.
 *
 *     node --import tsx scripts/bench/strictness.ts
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, jwtVerify } from "jose";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";

const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \t\n\r";

/** Every token that differs from a given one by one changed, added or removed character. */
function* alterations(token: string): Generator<string> {
  for (let at = 0; at <= token.length; at += 1) {
    const [head, tail] = [token.slice(0, at), token.slice(at + 1)];
    if (at < token.length) yield head + tail;
    for (const character of CHARACTERS) {
      yield head + character + token.slice(at);
      if (at < token.length && character !== token[at]) yield head + character + tail;
    }
  }
}

async function succeeds(verification: Promise<unknown>): Promise<boolean> {
  return verification.then(
    () => true,
    () => false,
  );
}

const folder = mkdtempSync(join(tmpdir(), "mintmark-strictness-"));
const service = await createTokenService({ store: await openSqliteStore(folder) });
const { token } = await service.getToken(localCaller, { claims: {} });
const jwks = createLocalJWKSet(service.jwks());
const options = { issuer: service.issuer, audience: service.issuer, algorithms: ["ES256"], typ: "at+jwt" };

const accepted = { mintmark: 0, jose: 0 };
const tried = new Set(alterations(token));
tried.delete(token);
for (const altered of tried) {
  if (await succeeds(service.verifyToken({ token: altered }))) accepted.mintmark += 1;
  if (await succeeds(jwtVerify(altered, jwks, options))) accepted.jose += 1;
}
process.stdout.write(`${tried.size} one-character changes of one ES256 token\n`);
process.stdout.write(`still accepted by Mintmark: ${accepted.mintmark}; by jose alone: ${accepted.jose}\n`);
await service.close();
rmSync(folder, { recursive: true });
