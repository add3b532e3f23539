import type { HttpAttackSuite } from "../../support/http-attacks.ts";

/** The attacks on the HTTP edge that a server must withstand, as the list of attacks has them. */
export const ROWS = [
  "batch amplification",
  "batch mixing for brute force",
  "oversized body",
  "oversized URL",
  "secrets in URL or logs",
  "cacheable token answers",
  "CSRF via GET",
  "CSRF via form",
  "method override",
  "HEAD, OPTIONS, PUT",
  "prototype pollution",
  "deep JSON",
  "bad encoding",
  "zod error leak",
  "stack or database leak",
  "known tRPC flaws",
  "SSE exhaustion",
  "slowloris",
  "client-secret timing",
  "refresh without client authentication",
  "host header",
  "header injection",
  "request smuggling",
  "proxy trust",
] as const;

export type Suite = HttpAttackSuite<(typeof ROWS)[number]>;
