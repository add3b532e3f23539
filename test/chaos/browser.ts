import { randomBytes } from "node:crypto";
import type { Random } from "../support/random.ts";
import { OAuthRefusal } from "./oauth-client.ts";

/** An answer to a browser: a redirect, or a page. */
export type Visited = { status: number; location: string; body: string };

type Options = { signal: AbortSignal; form?: Record<string, string> };

/** The browser of a person, which asks any of the servers. It keeps cookies, and follows no redirect. */
export function openChaosBrowser({
  random,
  origins,
  issuer,
}: {
  random: Random;
  origins: readonly string[];
  issuer: string;
}) {
  const cookies = new Map<string, string>();
  return {
    /** Throws an {@link OAuthRefusal} for a failure of a server, and for a refusal. */
    async visit(path: string, { signal, form }: Options): Promise<Visited> {
      const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
      const headers = { cookie, ...(form !== undefined && { origin: issuer }) };
      const sent = form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) };
      const response = await fetch(random.pick(origins) + path, { ...sent, headers, redirect: "manual", signal });
      const body = await response.text();
      if (response.status >= 400) throw new OAuthRefusal(response.status, { error_reason: reasonIn(body) });
      for (const header of response.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
        cookies.set(name, value);
      }
      return { status: response.status, location: response.headers.get("location") ?? "", body };
    },
  };
}

/** The words of an error page. */
function reasonIn(body: string): string {
  return (/<main[^>]*>([\s\S]*?)<\/main>/.exec(body)?.[1] ?? body)
    .replace(/<[^>]*>|\s+/g, " ")
    .slice(0, 200)
    .trim();
}

export type ChaosBrowser = ReturnType<typeof openChaosBrowser>;

/** A parameter of the answer to the client. */
export function answerIn({ location }: Visited, name: string): string | undefined {
  return URL.canParse(location) ? (new URL(location).searchParams.get(name) ?? undefined) : undefined;
}

/** The hidden fields of a form by which a page of the server goes on. */
export function fieldsIn({ body }: Visited): Record<string, string> {
  const names = ["handle", "token"];
  return Object.fromEntries(
    names.map((name) => [name, new RegExp(`name="${name}" value="([\\w-]+)"`).exec(body)?.[1] ?? ""]),
  );
}

export const VERIFIER = randomBytes(32).toString("base64url");
