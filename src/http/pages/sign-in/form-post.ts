import type { FormPostPage } from "../../../oauth/page.ts";
import { hiddenFields, html, nameHtml } from "./html.ts";
import type { Content, PageContext } from "./layout.ts";

/** Sends the answer to the client: by the script, else by its button. */
export function formPostPage({ action, parameters }: FormPostPage, { words: { formPost } }: PageContext): Content {
  const { host, protocol } = new URL(action);
  const body = html`<h1>${formPost.title}</h1>
<p class="lead">${formPost.text(nameHtml(host || protocol.slice(0, -1)))}</p>
<form method="post" action="${action}">
${hiddenFields(parameters)}
<button class="primary">${formPost.submit}</button>
</form>`;
  return { title: formPost.title, body, script: "form-post.js" };
}
