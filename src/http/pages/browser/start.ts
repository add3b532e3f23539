/**
 * The page at `/`: gets a token, verifies, refreshes and revokes it, checks any other, and follows the trust events. What
 * comes from a token or from a caller is set as text, never as markup.
 */
import { createClaimsForm } from "./claims-form.ts";
import { alter, decode, numberIn, pasted } from "./decoded.ts";
import { button, element, entered } from "./dom.ts";
import { hintsFor } from "./hints.ts";
import { type Answer, call, type Issued, publicKids, useCredentials } from "./service.ts";
import { createSession } from "./session.ts";
import { createTicker } from "./ticker.ts";
import { colouredToken, type State, showToken, showVerdict } from "./token-view.ts";

const { issuer = "", open } = document.body.dataset;
const isOpen = open === "true";
const session = createSession({ isShared: isOpen });
const place = (id: string) => element(id, HTMLElement);
const now = () => Math.floor(Date.now() / 1000);
const fieldsOf = place("claims-fields");
const claims = createClaimsForm(fieldsOf, JSON.parse(fieldsOf.dataset.fields ?? "[]"));

let state: State | undefined;

function show(): void {
  const token = session.token();
  showToken(place("token-view"), token);
  for (const id of ["verify", "alter", "revoke-token", "revoke-subject"]) button(id).disabled = token === "";
  for (const id of ["refresh", "revoke-session"]) button(id).disabled = session.refreshToken() === "";
  for (const id of ["verdict", "altered-token", "altered-verdict"]) place(id).replaceChildren();
  state = undefined;
}

/** A refused token has no time left, whatever its `exp`. */
function showLife(): void {
  const life = document.querySelector("#verdict .life");
  const exp = numberIn(decode(session.token()).claims, "exp");
  if (life === null || exp === undefined) return;
  const left = exp - now();
  life.textContent = state === "refused" ? "" : left > 0 ? `${left} s left` : "expired";
  if (left <= 0 && state === "valid") void verify();
}

async function hintsOf(token: string, { error }: Answer<object>): Promise<string[]> {
  if (error?.reason === undefined) return [];
  const kids = await publicKids().catch(() => []);
  return hintsFor(decode(token), { issuer, kids, now: now() });
}

let asked = 0;

async function verify(): Promise<void> {
  const token = session.token();
  if (token === "") return;
  asked += 1;
  const question = asked;
  const answer = await call<object>("verifyToken", { token });
  // Answers can overtake each other.
  if (question !== asked) return;
  state = showVerdict(place("verdict"), answer);
  showLife();
}

async function getToken(): Promise<void> {
  const problem = place("problem");
  problem.textContent = "";
  try {
    const [subject, scope, audience] = ["subject", "scope", "audience"].map(entered);
    const expiresIn = Number(entered("lifetime"));
    const answer = await call<Issued>("getToken", {
      ...(subject && { subject }),
      ...(scope && { scope }),
      ...(audience && { audience }),
      ...(expiresIn > 0 && { expiresIn }),
      refreshable: element("refreshable", HTMLInputElement).checked,
      claims: claims.read(),
    });
    if (answer.error) problem.textContent = `${answer.error.message} (${answer.error.reason})`;
    else await take(answer.data);
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
  }
}

async function take(issued: Issued): Promise<void> {
  session.save(issued);
  show();
  await verify();
}

async function verifyAltered(): Promise<void> {
  const { token, at } = alter(session.token());
  place("altered-token").replaceChildren(colouredToken(decode(token), at));
  showVerdict(place("altered-verdict"), await call<object>("verifyToken", { token }));
}

async function check(): Promise<void> {
  const token = pasted(entered("pasted"));
  const [audience, scope] = ["expected-audience", "expected-scope"].map(entered);
  const answer = await call<object>("verifyToken", { token, ...(audience && { audience }), ...(scope && { scope }) });
  showToken(place("checked-token"), token);
  showVerdict(place("checked-verdict"), answer, await hintsOf(token, answer));
}

async function refresh(): Promise<void> {
  const answer = await call<Issued>("refreshToken", { refreshToken: session.refreshToken() });
  if (answer.data) await take(answer.data);
  report(answer, "A new token and a new refresh token.");
}

type Revoked = { sequence: number; revoked?: string };

async function revoke(procedure: string, input: object): Promise<void> {
  const answer = await call<Revoked>(procedure, input);
  report(answer, `Revoked, as event ${answer.data?.sequence}.`);
  await verify();
}

function report({ error }: Answer<object>, success: string): void {
  place("session-answer").textContent = error ? `${error.message} (${error.reason})` : success;
}

const ticker = createTicker(() => void verify());

function signIn(): void {
  const clientId = entered("client-id");
  const secret = element("client-secret", HTMLInputElement);
  useCredentials({ clientId, clientSecret: secret.value });
  secret.value = "";
  showClient(clientId);
  ticker.start();
}

function signOut(): void {
  useCredentials(undefined);
  showClient("");
  ticker.stop();
}

function showClient(clientId: string): void {
  place("sign-in").hidden = clientId !== "";
  place("signed-in").hidden = clientId === "";
  place("signed-in-as").textContent = clientId;
  (clientId === "" ? place("client-id") : button("sign-out")).focus();
}

function onClick(id: string, act: () => unknown): void {
  button(id).addEventListener("click", () => void act());
}

function onSubmit(id: string, act: () => unknown): void {
  element(id, HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    void act();
  });
}

onSubmit("get", getToken);
onSubmit("check-form", check);
onClick("verify", verify);
onClick("alter", verifyAltered);
onClick("refresh", refresh);
onClick("revoke-token", () => revoke("revokeToken", { token: session.token() }));
onClick("revoke-session", () => revoke("revokeToken", { token: session.refreshToken() }));
onClick("revoke-subject", () => revoke("revoke", { subject: decode(session.token()).claims?.sub }));
addEventListener("storage", () => {
  show();
  void verify();
});
setInterval(showLife, 1000);
show();
if (isOpen) ticker.start();
else {
  onSubmit("sign-in", signIn);
  onClick("sign-out", signOut);
  ticker.stop();
}
