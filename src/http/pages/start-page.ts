import { z } from "zod";
import { anyClaims, type ClaimsSchema } from "../../token/claims.ts";
import type { Document } from "../respond.ts";
import { assetDocument } from "./assets.ts";
import { skeletonOf } from "./skeleton.ts";

/** The script of the page. */
export const readStartScript = (): Promise<Document> =>
  assetDocument("pages/start.js", "text/javascript; charset=utf-8");

export type StartPageOptions = { issuer: string; open: boolean; claims: ClaimsSchema };

/** The page at `/`: what this is, where to go, and, where whoever opens it may do everything, a token to play with. */
export function startPage({ issuer, open, claims }: StartPageOptions): string {
  const url = escapeHtml(issuer.replace(/\/+$/, ""));
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Mintmark</title>
    <link rel="icon" href="data:,">
    <style>${STYLE}</style>
  </head>
  <body>
    <h1>Mintmark</h1>
    <p>A token service: it issues signed JSON Web Tokens, verifies them, and revokes them. This one issues as <code>${escapeHtml(issuer)}</code>.</p>
    ${open ? live(claims) : CLIENTS_ONLY}
    <dl>
      <dt><a href="docs">/docs</a></dt>
      <dd>Try every procedure: get a token, verify it, change one letter, and see it refused.</dd>
      <dt><a href=".well-known/jwks.json">/.well-known/jwks.json</a></dt>
      <dd>The public keys that any JWT library verifies these tokens with.</dd>
      <dt><a href="openapi.json">/openapi.json</a></dt>
      <dd>The API, described for machines.</dd>
      <dt><a href="healthz">/healthz</a>, <a href="readyz">/readyz</a></dt>
      <dd>Whether the process is up, and whether it can serve in full.</dd>
    </dl>
    <p>From a terminal: <code>curl -s ${url}/trpc/getToken${open ? "" : " -u CLIENT_ID"}</code></p>
    ${open ? '<script src="start.js" type="module"></script>' : ""}
  </body>
</html>
`;
}

const live = (claims: ClaimsSchema) => `<section aria-labelledby="try">
      <h2 id="try">A token, live</h2>
      <form id="mint">
        <label>Subject <input id="subject" value="ada" required maxlength="255"></label>
        <label>Scope <input id="scope" value="orders:read"></label>
        <label>Lifetime in seconds <input id="lifetime" type="number" value="300" min="1" required></label>${claims === anyClaims ? "" : claimsField(claims)}
        <button>Mint a token</button>
      </form>
      <p id="problem" role="alert"></p>
      <div id="view" hidden>
        <p>The token is <output id="state" aria-live="polite"></output> <span id="life"></span></p>
        <pre id="token" tabindex="0" aria-label="The token"></pre>
        <pre id="claims" tabindex="0" aria-label="Its claims"></pre>
        <p class="acts">
          <button id="verify">Verify</button>
          <button id="alter">Verify with one letter changed</button>
          <button id="revoke">Revoke</button>
          <button id="revoke-all">Revoke all of this subject</button>
        </p>
        <p id="altered" aria-live="polite"></p>
        <p>Open this page in a second tab, then revoke. The events are <span id="feed" aria-live="polite">connecting</span>.</p>
      </div>
    </section>`;

/** A field for custom claims, which the schema may require, with something to begin with. */
function claimsField(claims: ClaimsSchema): string {
  const { $schema, ...schema } = z.toJSONSchema(claims, { io: "input", unrepresentable: "any" });
  const skeleton = JSON.stringify(skeletonOf(schema), null, 2);
  return `
        <label class="wide">Claims, in JSON <textarea id="custom" rows="${Math.min(skeleton.split("\n").length, 12)}" spellcheck="false">${escapeHtml(skeleton)}</textarea></label>
        <details class="wide"><summary>The schema of the claims</summary><pre tabindex="0">${escapeHtml(JSON.stringify(schema, null, 2))}</pre></details>`;
}

const CLIENTS_ONLY = `<p>Callers must be known here: <code>npx mintmark clients add NAME --permissions issue</code>
    on the machine that holds the data gives an id and a secret, which are sent by HTTP Basic.</p>`;

const STYLE = `
      :root { --ink: #1c2430; --soft: #eef1f5; --link: #0b5fb8; --good: #1a7f4b; --bad: #b3261e; --page: #fff; }
      @media (prefers-color-scheme: dark) {
        :root { --ink: #e6e9ee; --soft: #232a34; --link: #7fb6f2; --good: #5fd39a; --bad: #ff8a80; --page: #14181e; }
      }
      body { font: 17px/1.6 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1.25rem; color: var(--ink); background: var(--page); }
      code, pre { background: var(--soft); border-radius: 6px; }
      code { padding: 0.15em 0.35em; overflow-wrap: anywhere; }
      pre { padding: 0.75rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.8em; line-height: 1.45; }
      a { color: var(--link); }
      dt { margin-top: 1rem; font-weight: 600; }
      dd { margin: 0; }
      section { border: 1px solid var(--soft); border-radius: 10px; padding: 0.25rem 1.25rem; }
      form { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: end; }
      label { display: flex; flex-direction: column; flex: 1 1 9rem; font-size: 0.85em; }
      .wide { flex-basis: 100%; }
      input, textarea, button { font: inherit; padding: 0.45rem 0.7rem; border-radius: 6px; border: 1px solid #8a94a3; background: var(--page); color: inherit; min-width: 0; }
      textarea { font-family: ui-monospace, monospace; resize: vertical; }
      button { cursor: pointer; background: var(--soft); }
      .acts { display: flex; flex-wrap: wrap; gap: 0.5rem; }
      output { font-weight: 700; }
      output[data-state="valid"] { color: var(--good); }
      output[data-state="refused"], #problem, #altered { color: var(--bad); }
      p:empty { display: none; }
    `;

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
