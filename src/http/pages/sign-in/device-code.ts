import type { DeviceCodePage } from "../../../oauth/page.ts";
import { field } from "./fields.ts";
import { hiddenFields, html } from "./html.ts";
import type { Content, PageContext } from "./layout.ts";

/** Asks for the user code of a device, or to compare the one in the link (RFC 8628 §3.3.1, §5.4). */
export function deviceCodePage(page: DeviceCodePage, { words: { deviceCode }, path }: PageContext): Content {
  const { token, userCode, problem } = page;
  const code = field({
    id: "user-code",
    label: deviceCode.label,
    hint: deviceCode.hint,
    problem: problem && html`${deviceCode.problems[problem]}`,
    control: (attributes) =>
      html`<input ${attributes} class="code" name="user_code" value="${userCode}" required maxlength="64" autocomplete="off" autocapitalize="characters" spellcheck="false" autofocus>`,
  });
  const body = html`<h1>${deviceCode.title}</h1>
<p class="lead">${userCode !== undefined && problem === undefined ? deviceCode.given : deviceCode.text}</p>
<form method="post" action="${path}device">
${hiddenFields({ token })}
${code}
<p class="notice">${deviceCode.advice}</p>
<button class="primary">${deviceCode.submit}</button>
</form>`;
  return { title: deviceCode.title, body, hasProblem: problem !== undefined };
}
