import fc from "fast-check";
import { anyCharacter } from "../../support/any-character.ts";

const hostileText = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 20 }),
  fc.constantFrom(
    "",
    "\0",
    "a\r\nb",
    "\ud800",
    "x".repeat(255),
    "x".repeat(256),
    "__proto__",
    "../..",
    "' or 1=1--",
    "%2C",
    "日本",
  ),
);
/** Wrong values, secrets among them. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom("@T0@", "@R0@", "@F0@"),
  fc.constantFrom<unknown>(null, true, -1, 0, 1.5, 2 ** 53, [], {}, [[]], { __proto__: 1 }),
  fc.jsonValue({ maxDepth: 2, stringUnit: anyCharacter }),
);
const orOdd = (usual: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 14, arbitrary: usual }, { weight: 1, arbitrary: odd });
const maybe = (usual: fc.Arbitrary<unknown>) => fc.option(orOdd(usual), { nil: undefined, freq: 2 });

const numbered = (kind: string, most: number) => fc.nat(most).map((number) => `@${kind}${number}@`);
const anyToken = fc.oneof(numbered("T", 9), numbered("F", 199), numbered("R", 9), hostileText);
const scopes = fc.constantFrom("a", "a b", "b", "orders:read", "@T1@", "*");
const names = fc.constantFrom("ada", "local", "orders", "http://127.0.0.1:3000", "x.y");
const handles = fc.constantFrom("a".repeat(43), "-".repeat(43), "a".repeat(42));

const audiences = fc.oneof(
  { weight: 3, arbitrary: names },
  { weight: 2, arbitrary: fc.uniqueArray(names, { minLength: 1 }) },
  fc.array(orOdd(names), { maxLength: 17 }),
);

const getToken = fc.record({
  subject: maybe(names),
  audience: maybe(audiences),
  scope: maybe(scopes),
  expiresIn: maybe(fc.constantFrom(1, 60, 86400, 86401)),
  refreshable: maybe(fc.boolean()),
  claims: maybe(
    fc.dictionary(
      fc.oneof(fc.constantFrom("role", "sub", "cnf", "toJSON", "constructor"), hostileText),
      fc.jsonValue({ maxDepth: 4 }),
      { maxKeys: 3 },
    ),
  ),
});

/** The inputs of each procedure, and its weight. Changes of keys are rare, as every key stays. */
const inputs: readonly (readonly [name: string, weight: number, input: fc.Arbitrary<unknown>])[] = [
  ["getToken", 8, getToken],
  ["verifyToken", 24, fc.record({ token: orOdd(anyToken), audience: maybe(audiences), scope: maybe(scopes) })],
  ["introspectToken", 8, fc.record({ token: orOdd(anyToken) })],
  ["refreshToken", 4, fc.record({ refreshToken: orOdd(anyToken), scope: maybe(scopes) })],
  ["revokeToken", 2, fc.record({ token: orOdd(anyToken) })],
  [
    "revoke",
    2,
    fc.record({
      subject: maybe(fc.constantFrom("ada", "x.y")),
      clientId: maybe(fc.constant("nobody")),
      keyId: maybe(fc.constant("nokey")),
    }),
  ],
  ["keys.list", 2, fc.constant(undefined)],
  ["keys.rotate", 1, orOdd(fc.constant({ immediate: "no" }))],
  [
    "clients.create",
    2,
    fc.record({
      name: orOdd(names),
      permissions: orOdd(fc.constant(["issue"])),
      scopes: maybe(fc.constant(["a"])),
      extra: maybe(fc.constant(1)),
      maxTtl: maybe(fc.constant(9)),
    }),
  ],
  [
    "clients.update",
    2,
    fc.record({
      clientId: orOdd(names),
      name: maybe(names),
      permissions: maybe(fc.constant(["issue"])),
      audiences: orOdd(fc.constant(["a"])),
      maxTtl: maybe(fc.constantFrom(9, null)),
    }),
  ],
  ["clients.rotateSecret", 2, fc.record({ clientId: orOdd(names), overlap: maybe(fc.nat()) })],
  ["clients.remove", 2, fc.record({ clientId: orOdd(names) })],
  [
    "audit.list",
    2,
    fc.record({
      limit: maybe(fc.constantFrom(1, 5)),
      clientId: maybe(names),
      before: maybe(fc.stringMatching(/^\w{1,64}$/)),
      action: maybe(names),
    }),
  ],
  [
    "resources.create",
    2,
    fc.record({
      audience: orOdd(fc.webUrl()),
      name: orOdd(names),
      scopes: maybe(fc.dictionary(names, orOdd(names))),
      open: maybe(fc.boolean()),
    }),
  ],
  ["resources.remove", 2, fc.record({ audience: orOdd(fc.webUrl()) })],
  ["resources.list", 1, fc.constant(undefined)],
  ["tokens.find", 2, fc.record({ jti: orOdd(names) })],
  ["grants.list", 2, fc.record({ subject: orOdd(names), before: maybe(fc.stringMatching(/^\d{1,12}\.[\w-]{1,64}$/)) })],
  [
    "sessions.list",
    2,
    fc.record({ subject: orOdd(names), before: maybe(fc.stringMatching(/^\d{1,12}\.[\w-]{1,64}$/)) }),
  ],
  ["sessions.revoke", 2, fc.record({ sid: orOdd(names) })],
  ["consents.list", 1, fc.record({ subject: orOdd(names) })],
  ["consents.revoke", 2, fc.record({ subject: orOdd(names), clientId: orOdd(names) })],
  ["signIn.describe", 1, fc.record({ handle: orOdd(handles) })],
  [
    "signIn.accept",
    2,
    fc.record({
      handle: orOdd(handles),
      subject: orOdd(names),
      authTime: maybe(fc.integer()),
      claims: maybe(odd),
      scope: maybe(names),
      profile: maybe(odd),
    }),
  ],
  ["signIn.refuse", 1, fc.record({ handle: orOdd(handles) })],
  ["clients.list", 1, fc.constant(undefined)],
  ["nothing", 1, odd],
  ["__proto__", 1, odd],
  ["toString", 1, odd],
];
/** Calls of procedures, unknown ones among them. */
export const calls = fc.oneof(
  ...inputs.map(([name, weight, input]) => ({ weight, arbitrary: orOdd(input).map((value) => ({ name, value })) })),
);
