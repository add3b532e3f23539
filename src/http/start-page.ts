/** The page at `/`: what this is, and where to go. */
export function startPage(issuer: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Mintmark</title>
    <link rel="icon" href="data:,">
    <style>
      body { font: 17px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1.5rem; color: #1c2430; }
      code { background: #eef1f5; border-radius: 4px; padding: 0.15em 0.35em; }
      a { color: #0b5fb8; }
      dt { margin-top: 1rem; font-weight: 600; }
      dd { margin: 0; }
    </style>
  </head>
  <body>
    <h1>Mintmark</h1>
    <p>A token service: it issues signed JSON Web Tokens and verifies them. This one issues as <code>${escapeHtml(issuer)}</code>.</p>
    <dl>
      <dt><a href="/docs">/docs</a></dt>
      <dd>Try it: get a token, verify it, change one letter, and see it refused.</dd>
      <dt><a href="/.well-known/jwks.json">/.well-known/jwks.json</a></dt>
      <dd>The public keys that any JWT library verifies these tokens with.</dd>
      <dt><a href="/openapi.json">/openapi.json</a></dt>
      <dd>The API, described for machines.</dd>
      <dt><a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a></dt>
      <dd>Whether the process is up, and whether its database is there.</dd>
    </dl>
    <p>From a terminal: <code>curl -s ${escapeHtml(issuer)}/trpc/getToken</code></p>
  </body>
</html>
`;
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
