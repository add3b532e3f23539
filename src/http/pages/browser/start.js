/**
 * The form of the start page: issue a token, and watch its state in every tab.
 * Sets everything from a token as text, never as markup: callers choose the claims.
 */

/** All tabs of this origin share the token here. Never in a URL, which histories and logs store. */
const STORED = "mintmark.token";

/** Relative to this script, for a proxy that adds a path. */
const PROCEDURES = new URL("trpc/", import.meta.url);

/** @typedef {{ data?: any, error?: { message: string, reason: string } }} Answer */

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`#${id} is missing`);
  return found;
}

/** @param {string} id */
function entered(id) {
  return /** @type {HTMLInputElement} */ (element(id)).value.trim();
}

/** Calls a procedure by POST, queries too: no input is part of a URL.
 * @param {string} procedure
 * @param {object} input
 * @returns {Promise<Answer>} */
async function call(procedure, input) {
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(new URL(procedure, PROCEDURES), {
      method: "POST",
      headers,
      body: JSON.stringify(input),
    });
    const { result, error } = await response.json();
    if (error === undefined) return { data: result.data };
    return { error: { message: inFull(error), reason: error.data.reason } };
  } catch {
    return { error: { message: "The service does not answer", reason: "unreachable" } };
  }
}

/** The message with all issues: on the wire, it has the first one.
 * @param {{ message: string, data: { issues?: { path: string, message: string }[] } }} error */
function inFull({ message, data: { issues = [] } }) {
  return [message, ...issues.slice(1).map((issue) => `${issue.path} ${issue.message}`)].join("; ");
}

function storedToken() {
  return localStorage.getItem(STORED) ?? "";
}

/** @param {string} token */
function claimsOf(token) {
  const bytes = atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))));
}

const WORDS = /** @type {Record<string, string>} */ ({
  token_revoked: "revoked",
  token_expired: "expired",
});

/** Reasons that do not depend on the token. */
const UNKNOWN = new Set(["verifier_stale", "unavailable", "unreachable", "rate_limited", "internal_error"]);

/** @param {Answer} answer */
function showState({ data, error }) {
  const state = element("state");
  const { message, reason = "" } = error ?? {};
  const isUnknown = UNKNOWN.has(reason);
  state.dataset.state = data ? "valid" : isUnknown ? "unknown" : "refused";
  const word = isUnknown ? "not known at the moment" : (WORDS[reason] ?? "refused");
  state.textContent = data ? "valid" : `${word}: ${message} (${reason})`;
  showLife();
}

let requests = 0;

async function verify() {
  const token = storedToken();
  if (token === "") return;
  requests += 1;
  const number = requests;
  const answer = await call("verifyToken", { token });
  // Answers can arrive out of order: only the latest counts.
  if (number === requests) showState(answer);
}

function show() {
  const token = storedToken();
  element("view").hidden = token === "";
  if (token === "") return;
  element("token").textContent = token;
  element("claims").textContent = JSON.stringify(claimsOf(token), null, 2);
  showLife();
}

/** Shows the remaining lifetime; none for a rejected token. */
function showLife() {
  const token = storedToken();
  const { state } = element("state").dataset;
  element("life").textContent = "";
  if (token === "" || state === undefined || state === "refused") return;
  const left = claimsOf(token).exp - Math.floor(Date.now() / 1000);
  element("life").textContent = left > 0 ? `${left} s left` : "expired";
  if (left <= 0 && state === "valid") void verify();
}

/** The entered custom claims; none without a schema, `undefined` for invalid JSON. */
function enteredClaims() {
  if (document.getElementById("custom") === null) return {};
  try {
    return { claims: JSON.parse(entered("custom") || "{}") };
  } catch (error) {
    element("problem").textContent = `The claims are not valid JSON: ${error instanceof Error ? error.message : error}`;
    return undefined;
  }
}

/** @param {SubmitEvent} event */
async function mint(event) {
  event.preventDefault();
  const claims = enteredClaims();
  if (claims === undefined) return;
  const scope = entered("scope");
  const asked = { subject: entered("subject"), expiresIn: Number(entered("lifetime")), ...(scope && { scope }) };
  const { data, error } = await call("getToken", { ...asked, ...claims });
  element("problem").textContent = error ? error.message : "";
  if (data === undefined) return;
  localStorage.setItem(STORED, data.token);
  show();
  await verify();
}

async function verifyAltered() {
  const token = storedToken();
  const at = token.length >> 1;
  const altered = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
  const { error } = await call("verifyToken", { token: altered });
  element("altered").textContent = error ? `${error.message} (${error.reason})` : "accepted";
}

function follow() {
  const feed = element("feed");
  const source = new EventSource(new URL("events", PROCEDURES));
  source.onopen = () => {
    feed.textContent = "live";
    void verify();
  };
  source.onerror = () => {
    feed.textContent = "reconnecting";
    // A browser does not reconnect after another answer, such as 503 of a starting server.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 1000);
  };
  source.onmessage = ({ data }) => {
    const { revocations, keys } = JSON.parse(data);
    if (revocations !== undefined || keys !== undefined) void verify();
  };
}

element("mint").addEventListener("submit", (event) => void mint(/** @type {SubmitEvent} */ (event)));
element("verify").addEventListener("click", () => void verify());
element("alter").addEventListener("click", () => void verifyAltered());
element("revoke").addEventListener("click", () => void call("revokeToken", { token: storedToken() }).then(verify));
element("revoke-all").addEventListener("click", () => {
  void call("revoke", { subject: claimsOf(storedToken()).sub }).then(verify);
});
addEventListener("storage", () => {
  element("altered").textContent = "";
  show();
  void verify();
});
setInterval(showLife, 1000);
show();
void verify();
follow();
