import type { SignInPage } from "../../../oauth/page.ts";
import { field } from "./fields.ts";
import { hiddenFields, html, nameHtml, visibleText } from "./html.ts";
import type { Content, PageContext } from "./layout.ts";

/** The sign-in page of development: a subject, and claims where the schema has some. */
export function signInPage(page: SignInPage, { words: { signIn }, path }: PageContext): Content {
  const { handle, token, client, loginHint = "", claims, problem } = page;
  const problemOf = (name: string, text: string) =>
    problem?.field === name ? html`${text}${problem.detail && html`<br>${visibleText(problem.detail)}`}` : undefined;
  const focus = (name: string) => (problem?.field ?? "subject") === name && html` autofocus`;
  const subject = field({
    id: "subject",
    label: signIn.subject,
    hint: signIn.subjectHint,
    problem: problemOf("subject", signIn.subjectProblem),
    control: (attributes) =>
      html`<input ${attributes} name="subject" value="${loginHint}" required maxlength="255" autocomplete="username" autocapitalize="none" spellcheck="false"${focus("subject")}>`,
  });
  const body = html`<h1>${signIn.title}</h1>
<p class="lead">${signIn.client(nameHtml(client))}</p>
<p class="notice">${signIn.development}</p>
<form method="post" action="${path}oauth/continue">
${hiddenFields({ handle, token })}
${subject}
${
  claims !== undefined &&
  field({
    id: "claims",
    label: signIn.claims,
    hint: signIn.claimsHint,
    problem: problemOf("claims", signIn.claimsProblem),
    // A line break directly after the tag is dropped.
    control: (
      attributes,
    ) => html`<textarea ${attributes} name="claims" rows="5" autocomplete="off" spellcheck="false"${focus("claims")}>
${claims}</textarea>`,
  })
}
<button class="primary">${signIn.submit}</button>
</form>`;
  return { title: signIn.title, body, hasProblem: problem !== undefined };
}
