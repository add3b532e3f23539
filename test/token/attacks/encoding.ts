import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { encode, type Forge, forge, goodClaims, goodHeader, signSegments } from "../../support/forge.ts";

/**
 * Row 21: other spellings of the same bytes. Where the header or the payload is spelled otherwise, the
 * signature is made over that spelling, so nothing but the spelling is wrong.
 */
export function encodingAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.all) {
    suite.refused(21, by, { tokens: respelled(by) });
    suite.accepted(21, by, {
      tokens: { "segments of every length modulo 4": forge(by, { payload: paddedClaims(2) }) },
    });
  }
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SPACES = {
  "a space": " ",
  "a tab": "\t",
  "a line feed": "\n",
  CRLF: "\r\n",
  "a form feed": "\f",
  "a no-break space": "\u00a0",
};
const STRANGERS = {
  "an equals sign": "=",
  "a NUL": "\0",
  "a zero-width space": "\u200b",
  "a percent escape": "%41",
  "a byte order mark": "\ufeff",
  "a plus": "+",
  "a slash": "/",
  "a comma": ",",
  "a star": "*",
  "a full-width letter": "\uff21",
  "a tilde": "~",
};

type Segments = [header: string, payload: string, signature: string];

/** Claims whose base64url ends with 0, 2 or 4 unused bits. */
function paddedClaims(spareBits: 0 | 2 | 4): Uint8Array {
  const text = JSON.stringify(goodClaims());
  const missing = (3 - spareBits / 2 - (text.length % 3) + 3) % 3;
  return Buffer.from(text + " ".repeat(missing));
}

function paddedHeader(by: Forge, spareBits: 2 | 4): Uint8Array {
  const text = JSON.stringify(goodHeader(by));
  const missing = (3 - spareBits / 2 - (text.length % 3) + 3) % 3;
  return Buffer.from(text + " ".repeat(missing));
}

function respelled(by: Forge): Tokens {
  const tokens: Tokens = {};
  const [header, payload, signature] = forge(by).split(".") as Segments;

  for (const bits of [2, 4] as const) {
    for (let stray = 1; stray < 2 ** bits; stray += 1) {
      const name = `${stray} of ${bits} bits`;
      tokens[`stray bits in the header | ${name}`] = signSegments(
        by,
        addBits(encode(paddedHeader(by, bits)), stray),
        payload,
      );
      tokens[`stray bits in the payload | ${name}`] = signSegments(
        by,
        header,
        addBits(encode(paddedClaims(bits)), stray),
      );
    }
  }
  const spare = (signature.length * 6) % 8;
  for (let stray = 1; stray < 2 ** spare; stray += 1) {
    const name = `stray bits in the signature | ${stray}`;
    tokens[name] = [header, payload, addBits(signature, stray)].join(".");
  }

  for (const [name, text] of Object.entries({ ...SPACES, ...STRANGERS })) {
    for (const [place, insert] of Object.entries(PLACES)) {
      tokens[`${name} in a segment | ${place} the header`] = signSegments(by, insert(header, text), payload);
      tokens[`${name} in a segment | ${place} the payload`] = signSegments(by, header, insert(payload, text));
      tokens[`${name} in a segment | ${place} the signature`] = [header, payload, insert(signature, text)].join(".");
    }
  }
  return { ...tokens, ...inOtherAlphabets(by), ...padded(by) };
}

const PLACES: Record<string, (segment: string, text: string) => string> = {
  "in front of": (segment, text) => text + segment,
  inside: (segment, text) => segment.slice(0, 8) + text + segment.slice(8),
  behind: (segment, text) => segment + text,
};

function addBits(segment: string, stray: number): string {
  return segment.slice(0, -1) + ALPHABET[ALPHABET.indexOf(segment.at(-1) ?? "") | stray];
}

/** RFC 7515 §2: the URL-safe alphabet. These claims encode to `-` and `_`, which base64 writes `+` and `/`. */
function inOtherAlphabets(by: Forge): Tokens {
  const claims = goodClaims({ sub: "??>>??>>??>>ÿÿÿþþþ" });
  const payload = encode(claims);
  const standard = payload.replaceAll("-", "+").replaceAll("_", "/");
  const mixed = payload.replace("_", "/");
  if (standard === payload || mixed === payload) throw new Error("the claims do not show the alphabet");
  const header = encode(goodHeader(by));
  return {
    "a payload in base64": signSegments(by, header, standard),
    "a payload in both alphabets": signSegments(by, header, mixed),
    "a payload in hexadecimal": signSegments(by, header, Buffer.from(payload, "base64url").toString("hex")),
    "a payload in percent escapes": signSegments(by, header, encodeURIComponent(JSON.stringify(claims))),
    "a payload in the clear": signSegments(by, header, JSON.stringify(claims)),
    "a payload encoded twice": signSegments(by, header, encode(payload)),
    "a header encoded twice": signSegments(by, encode(header), payload),
  };
}

function padded(by: Forge): Tokens {
  const [header, payload, signature] = forge(by, { header: paddedHeader(by, 2), payload: paddedClaims(4) }).split(
    ".",
  ) as Segments;
  const pad = (segment: string) => segment.padEnd(Math.ceil(segment.length / 4) * 4, "=");
  return {
    "a padded header": signSegments(by, pad(header), payload),
    "a padded payload": signSegments(by, header, pad(payload)),
    "a signature that is padded": [header, payload, signature.length % 4 ? pad(signature) : `${signature}====`].join(
      ".",
    ),
    "padding in all segments": `${signSegments(by, pad(header), pad(payload))}==`,
  };
}
