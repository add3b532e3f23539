import { z } from "zod";
import * as schemas from "../environment/schemas.ts";
import { type Setting, secret } from "./setting.ts";

const DAY = 86400;

/** How people sign in, and the pages that they see. */
export const signInSettings = {
  MINTMARK_SIGN_IN_ISSUER: {
    name: "signInIssuer",
    schema: schemas.providerIssuer.optional(),
    doc: "people sign in at this OpenID provider: its issuer URL; `http` on loopback only",
  },
  MINTMARK_SIGN_IN_CLIENT_ID: {
    name: "signInClientId",
    schema: schemas.text.optional(),
    doc: "client id of Mintmark at that provider, whose redirect URI is `ISSUER/oauth/callback`",
  },
  MINTMARK_SIGN_IN_CLIENT_SECRET: {
    name: "signInClientSecret",
    schema: schemas.providerSecret.optional(),
    doc: "client secret of Mintmark at that provider",
    ...secret,
  },
  MINTMARK_SIGN_IN_URL: {
    name: "signInUrl",
    schema: schemas.signInUrl.optional(),
    doc: "people sign in at this page of your application, which calls `signIn.accept`; `http` on loopback only",
  },
  MINTMARK_SESSION_TTL: {
    name: "sessionTtl",
    schema: schemas.wholeSeconds.default(7 * DAY),
    unit: "seconds",
    doc: "lifetime of a sign-in session",
  },
  MINTMARK_REGISTRATION: {
    name: "registration",
    schema: z.enum(["open"]).optional(),
    otherwise: "no program can",
    doc: "`open`: programs can register themselves as clients, which may ask people for open resources",
  },
  MINTMARK_TITLE: {
    name: "title",
    schema: schemas.title.optional(),
    doc: "title of the pages that people see; at most 60 characters",
  },
  MINTMARK_LOGO: {
    name: "logo",
    schema: schemas.logo.optional(),
    doc: "logo of these pages: an `https://` URL, or an image as a `data:` URL",
  },
  MINTMARK_COLOUR: {
    name: "colour",
    schema: schemas.colour.optional(),
    doc: "colour of the buttons of these pages: `#rrggbb`",
  },
} as const satisfies Record<string, Setting>;
