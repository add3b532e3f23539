import type { ConsentPage } from "../../../oauth/page.ts";
import type { Words } from "./en.ts";
import { type Html, hiddenFields, html, nameHtml, visibleText } from "./html.ts";
import type { Content, PageContext } from "./layout.ts";

/** Longer names have smaller letters in a heading. */
const LONG = 40;

/** Asks whether a client may use the account. Both answers are buttons of one form and one size. */
export function consentPage(page: ConsentPage, { words, path }: PageContext): Content {
  const { consent } = words;
  const { handle, token, client, resources } = page;
  const body = html`<h1 class="question${client.name.length > LONG && html` long`}">${consent.question(nameHtml(client.name))}</h1>
${destination(page, words)}
${introduction(page, words)}
<form method="post" action="${path}oauth/continue">
${hiddenFields({ handle, token })}
<section aria-labelledby="scopes"><h2 id="scopes">${consent.scopes}</h2>
<ul class="scopes">${scopeItems(page, words)}</ul></section>
${
  resources.length > 0 &&
  html`<section aria-labelledby="resources"><h2 id="resources">${consent.resources}</h2>
<ul class="resources">${resources.map(resourceItem)}</ul></section>`
}
<div class="account"><p>${consent.account(nameHtml(page.subject))}</p>${
    page.canSwitch === true && html`<button class="link" name="decision" value="switch">${consent.switch}</button>`
  }</div>
<p class="quiet" id="advice">${consent.advice}</p>
<div class="choice"><button name="decision" value="deny" aria-describedby="advice">${consent.deny}</button><button class="primary" name="decision" value="allow">${consent.allow}</button></div>
</form>`;
  return { title: consent.title, body };
}

/** Where a program of this machine listens (RFC 8252 §7.3). */
const LOOPBACK = /^(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d+)?$/;

/** The scheme of an application, such as `com.example.app:`. Hosts have no colon at the end. */
const SCHEME = /:$/;

function destination({ host }: ConsentPage, { consent }: Words): Html {
  const isDevice = host === "device:";
  const place = isDevice
    ? html`<strong>${consent.device}</strong>`
    : html`<strong class="host">${visibleText(host)}</strong>`;
  const note = LOOPBACK.test(host) ? consent.loopback : SCHEME.test(host) && !isDevice && consent.application;
  return html`<p class="destination"><span class="label">${consent.destination}</span> ${place}${
    note !== false && html` <span class="quiet">${note}</span>`
  }</p>`;
}

/** Who introduces itself chooses its name: the place of its document is what it cannot choose. */
function introduction({ client }: ConsentPage, { consent }: Words): Html | false {
  if (client.introduced === undefined) return false;
  const source =
    client.origin !== undefined &&
    html`<p class="destination"><span class="label">${consent.source}</span> <strong class="host">${visibleText(client.origin)}</strong></p>`;
  return html`${source}<p class="notice">${consent.introduced}</p>`;
}

function scopeItems({ scopes }: ConsentPage, words: Words): Html[] {
  if (scopes.length === 0) return [html`<li>${words.consent.noScopes}</li>`];
  const own: Readonly<Record<string, string>> = words.scopes;
  return scopes.map(({ name, description }) => {
    const text = description ?? (Object.hasOwn(own, name) ? own[name] : undefined);
    return text === undefined ? html`<li><code>${visibleText(name)}</code></li>` : html`<li>${visibleText(text)}</li>`;
  });
}

function resourceItem({ name, audience }: ConsentPage["resources"][number]): Html {
  return html`<li>${nameHtml(name)}${name !== audience && html` <span class="quiet">${visibleText(audience)}</span>`}</li>`;
}
