/** Uses the package in a framework. */
import { callService, cells } from "./cells.mjs";

const [framework, cell, issuer] = process.argv.slice(2);
const { host, protect } = await import(`./${framework}.mjs`);

const open = async (verifier) => {
  const url = await protect(verifier);
  return async (token) => {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${url}/me`, { headers })).status;
  };
};

if (cell === "server") {
  const { createTokenService } = await import("mintmark");
  const url = await host(await createTokenService({ issuer: "http://127.0.0.1:1" }));
  await callService(`${url}/trpc`);
} else {
  await cells[cell](issuer, open);
}
process.exit(0);
