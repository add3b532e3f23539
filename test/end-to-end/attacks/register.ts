/** Rows of the list of attacks without a token to present, and the test that proves each. */
export const ELSEWHERE: Record<number, { why: string; file: string; test: string }> = {
  10: {
    why: "a key that is none must not become one: that is settled when it is imported",
    file: "test/token/attacks/algorithm.ts",
    test: "createSecretKeyring refuses the secret",
  },
  12: {
    why: "a public key worked out from two tokens is the one that is published, so this is row 2 again",
    file: "test/token/attacks/confusion.ts",
    test: "a MAC keyed with ",
  },
  18: {
    why: "two keys of one name, or a private one, are refused when they are imported",
    file: "test/keys/key-pair.test.ts",
    test: "loadKeyPair refuses a kid that is not the thumbprint, in the JWK, in the row, or in both",
  },
  19: {
    why: "a flood of unknown kids is counted where keys are read",
    file: "test/service/unknown-kid.test.ts",
    test: "is refused, and reads the store at most ten times a second",
  },
  38: {
    why: "leeway is an option, which is checked at the start",
    file: "test/verifier/following.test.ts",
    test: '[{ clockTolerance: 61 }, "clockTolerance"]',
  },
  43: {
    why: "an assertion is no access token: it has its own verification",
    file: "test/token/client-assertion.test.ts",
    test: "{ aud: [ISSUER] }",
  },
  49: {
    why: "what a JWK Set may hold is settled when it is fetched",
    file: "test/verifier/keys.test.ts",
    test: "are not taken from a response that is %s",
  },
  50: {
    why: "bad keys are refused when they are imported",
    file: "test/keys/public-jwk.test.ts",
    test: "importPublicJwk refuses a point off the curve of",
  },
};

/** Rows with their own tests at the endpoints. */
export const OWN_TESTS = [20, 44, 46, 47, 48, 51];
