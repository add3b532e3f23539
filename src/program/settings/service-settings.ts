import { z } from "zod";
import { KEY_PAIR_ALGORITHMS } from "../../keys/public-jwk.ts";
import * as schemas from "../environment/schemas.ts";
import { type Setting, secret } from "./setting.ts";

const { wholeSeconds } = schemas;
const DAY = 86400;
const unit = "seconds";

/** Tokens, keys and grants. */
export const serviceSettings = {
  MINTMARK_ISSUER: {
    name: "issuer",
    schema: schemas.issuer.optional(),
    otherwise: "`http://HOST:PORT`",
    doc: "the `iss` of every token; stored with the data; required where `HOST` is not a loopback address",
  },
  MINTMARK_AUDIENCE: {
    name: "audience",
    schema: schemas.audience.optional(),
    otherwise: "the issuer",
    doc: "the `aud` of a token requested without one; stored with the data",
  },
  MINTMARK_ALG: {
    name: "alg",
    schema: z.enum(KEY_PAIR_ALGORITHMS).optional(),
    otherwise: "that of the data, at first `ES256`",
    doc: "`ES256`, `ES384`, `RS256`, `PS256` or `EdDSA`, from the next key on; stored with the data",
  },
  MINTMARK_SECRET: {
    name: "secret",
    schema: z.string().optional(),
    doc: "shared secret of at least 32 bytes: sign with HS256, accept nothing else, publish no keys",
    ...secret,
  },
  MINTMARK_KEK: {
    name: "kek",
    schema: schemas.kekOrNone.optional(),
    doc: '32 bytes in base64url, base64 or hex that encrypt private keys at rest; with `DATABASE_URL` required, or "none"',
    ...secret,
  },
  MINTMARK_KEK_PREVIOUS: {
    name: "previousKek",
    schema: schemas.kek.optional(),
    doc: "for `mintmark keys rewrap`: the key-encryption key that the private keys are encrypted with now",
    fromFile: true,
  },
  MINTMARK_TTL: {
    name: "ttl",
    schema: wholeSeconds.default(900),
    unit,
    doc: "lifetime of a token requested without one; stored with the data",
  },
  MINTMARK_MAX_TTL: {
    name: "maxTtl",
    schema: wholeSeconds.default(DAY),
    unit,
    doc: "longest lifetime of a token; stored with the data; tokens issued under a higher limit stay valid",
  },
  MINTMARK_ROTATION: {
    name: "rotation",
    schema: wholeSeconds.default(30 * DAY),
    unit,
    doc: "how long a key signs",
  },
  MINTMARK_REFRESH_TTL: {
    name: "refreshTtl",
    schema: wholeSeconds.default(30 * DAY),
    unit,
    doc: "lifetime of a grant: refresh tokens end with it",
  },
  MINTMARK_REFRESH_IDLE: {
    name: "refreshIdle",
    schema: wholeSeconds.default(7 * DAY),
    unit,
    doc: "lifetime of a refresh token that is not used",
  },
  MINTMARK_REPLAY_WINDOW: {
    name: "replayWindow",
    schema: wholeSeconds.default(10),
    unit,
    doc: "how long a repeated refresh gets the same answer; later, reuse revokes the grant",
  },
  MINTMARK_AUDIT_RETENTION: {
    name: "auditRetention",
    schema: wholeSeconds.default(90 * DAY),
    unit,
    doc: "how long audit records are stored",
  },
} as const satisfies Record<string, Setting>;
