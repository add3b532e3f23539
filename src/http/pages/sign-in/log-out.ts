import type { LogOutPage } from "../../../oauth/page.ts";
import { hiddenFields, html, nameHtml } from "./html.ts";
import type { Content, PageContext } from "./layout.ts";

/** Asks whether to sign out: a link on any site can lead here (OpenID Connect RP-Initiated Logout 1.0 §2). */
export function logOutPage(
  { token, parameters, client }: LogOutPage,
  { words: { logOut }, path }: PageContext,
): Content {
  const body = html`<h1>${logOut.title}</h1>
${client !== undefined && html`<p class="lead">${logOut.client(nameHtml(client))}</p>`}
<p>${logOut.text}</p>
<form method="post" action="${path}oauth/logout">
${hiddenFields({ ...parameters, token })}
<button class="primary" aria-describedby="stay">${logOut.submit}</button>
<p class="quiet" id="stay">${logOut.stay}</p>
</form>`;
  return { title: logOut.title, body };
}
