import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { claimsWith, type Forge, forge, goodClaims, goodHeader, spell } from "../../support/forge.ts";

/** Rows 31 and 32: bytes that two JSON parsers understand differently, or that are not a JSON object. */
export function jsonAttacks(suite: AttackSuite): void {
  for (const by of suite.forges.fast) {
    suite.refused(31, by, { tokens: repeated(by) });
    suite.accepted(31, by, { tokens: harmless(by) });
    for (const [name, bytes] of Object.entries(malformed(JSON.stringify(goodClaims())))) {
      suite.refused(32, by, {
        tokens: { [`${name} for a payload or a header | payload`]: forge(by, { payload: bytes }) },
      });
    }
    for (const [name, bytes] of Object.entries(malformed(JSON.stringify(goodHeader(by))))) {
      suite.refused(32, by, {
        tokens: { [`${name} for a payload or a header | header`]: forge(by, { header: bytes }) },
      });
    }
    suite.accepted(32, by, { tokens: spacedOut(by) });
  }
}

/** RFC 7515 §4 leaves open which of two equal names counts; parsers differ. */
function repeated(by: Forge): Tokens {
  const header = goodHeader(by);
  const claims = goodClaims();
  const body = JSON.stringify(header).slice(1);
  const headers: Record<string, string> = {
    "alg none before alg": `{"alg":"none",${body}`,
    "alg twice alike": `{"alg":"${by.alg}",${body}`,
    "alg none behind alg": spell(header, "kid", `"${by.kid}","alg":"none"`),
    "alg twice, once escaped": `{"\\u0061lg":"none",${body}`,
    "kid twice": `{"kid":"other",${body}`,
    "typ twice": `{"typ":"JWT",${body}`,
    "crit twice": `{"crit":[],"crit":[],${body}`,
  };
  const payloads: Record<string, string> = {
    "sub twice": claimsWith("sub", `"eve","sub":"ada"`),
    "sub twice alike": claimsWith("sub", `"ada","sub":"ada"`),
    "sub twice, once escaped": claimsWith("sub", `"eve","s\\u0075b":"ada"`),
    "sub twice, both escaped": claimsWith("s\\u0075b", `"eve","su\\u0062":"ada"`).replace('"sub":"ada",', ""),
    "sub twice, wide apart": `{"sub":"eve",${" ".repeat(500)}${JSON.stringify(claims).slice(1)}`,
    "sub twice with spaces before the colon": claimsWith("sub", `"eve","sub" \t\r\n : "ada"`),
    "exp twice": claimsWith("exp", `${claims.exp},"exp":${claims.exp}`),
    "a custom claim twice": claimsWith("role", `"reader","role":"admin"`),
    "a custom claim twice inside of another": claimsWith("x", `{"role":"reader","role":"admin"}`),
    "a custom claim twice inside of a list": claimsWith("x", `[[{"a":1},{"role":1,"b":{},"role":2}]]`),
    "the empty name twice": claimsWith("", `1,"":2`),
    "a quoted name twice": claimsWith('a\\"b', `1,"a\\u0022b":2`),
    "a name of a backslash twice": claimsWith("\\\\", `1,"\\u005c":2`),
    "a name beyond the basic plane twice": claimsWith("😀", `1,"\\ud83d\\ude00":2`),
  };
  return {
    ...Object.fromEntries(
      Object.entries(headers).map(([name, text]) => [`${name} in the header`, forge(by, { header: text })]),
    ),
    ...Object.fromEntries(
      Object.entries(payloads).map(([name, text]) => [`${name} in the payload`, forge(by, { payload: text })]),
    ),
  };
}

/** Equal names that are not duplicates: in sibling objects, in values, in nested objects. */
function harmless(by: Forge): Tokens {
  const texts: Record<string, string> = {
    "a name in two objects": claimsWith("x", `[{"a" : 1},{"a" : 2},{"b":{"a":{"a":[{"a":1}]}}}]`),
    "a registered name inside of a custom claim": claimsWith("x", `{"sub" : "eve", "exp":0}`),
    "a value that looks like names": claimsWith(
      "x",
      `["{\\"a\\":1,\\"a\\":2}", "\\"sub\\":", "{{{", "}}}"]`.replace(", ", " , "),
    ),
    "names that differ in case": claimsWith("Sub", `"eve" , "SUB":"eve"`),
    "names that differ in their normal form": claimsWith("\u00e9", `1 , "e\u0301":2`),
  };
  return Object.fromEntries(Object.entries(texts).map(([name, payload]) => [name, forge(by, { payload })]));
}

function malformed(good: string): Record<string, Buffer> {
  const open = good.slice(0, -1);
  const texts: Record<string, string> = {
    ...{
      "an empty list": "[]",
      "a list of one": `[${good}]`,
      "a string": '"x"',
      null: "null",
      true: "true",
      "a number": "1",
    },
    ...{ "nothing at all": "", "a space": " ", "an empty object": "{}", "a string of JSON": JSON.stringify(good) },
    "trailing garbage": `${good}x`,
    "a second object": good + good,
    "a second object in a new line": `${good}\n${good}`,
    "a trailing comma": `${open},}`,
    "a trailing NUL": `${good}\0`,
    "a leading NUL": `\0${good}`,
    "a leading comma": `{,${good.slice(1)}`,
    "leading garbage": `)]}',\n${good}`,
    "a comment": `${open}/**/}`,
    "a line comment": `${good}//`,
    "single quotes": good.replaceAll('"', "'"),
    "a bare name": `${open},x:1}`,
    "a line feed in a string": `${open},"x":"\n"}`,
    "a tab in a string": `${open},"x":"\t"}`,
    "an unknown escape": `${open},"x":"\\x41"}`,
    "a form feed between members": `${open}\f}`,
    "a no-break space between members": `${open}\u00a0}`,
    "a missing brace": open,
    "a missing value": `${open},"x":}`,
    ...{ NaN: `${open},"x":NaN}`, Infinity: `${open},"x":Infinity}`, "an infinite number": `${open},"x":1e999}` },
    ...{
      "a leading zero": `${open},"x":01}`,
      "a hexadecimal number": `${open},"x":0x1}`,
      undefined: `${open},"x":undefined}`,
    },
    "a byte order mark": `\ufeff${good}`,
    "a byte order mark behind": `${good}\ufeff`,
    "a high surrogate alone": `${open},"x":"\\ud800"}`,
    "a low surrogate alone": `${open},"x":"\\udc00"}`,
    "surrogates the wrong way round": `${open},"x":"\\udc00\\ud800"}`,
    "a surrogate alone in a name": `${open},"\\ud800":1}`,
    "a surrogate alone deep inside": `${open},"x":[{"y":["\\udfff"]}]}`,
  };
  const inString = (digits: string) =>
    Buffer.concat([Buffer.from(`${open},"x":"`), Buffer.from(digits, "hex"), Buffer.from('"}')]);
  return {
    ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)])),
    "UTF-16 little end first": Buffer.from(good, "utf16le"),
    "UTF-16 with a byte order mark": Buffer.from(`\ufeff${good}`, "utf16le"),
    "UTF-16 big end first": Buffer.from(good, "utf16le").swap16(),
    "UTF-32": Buffer.concat([...good].map((letter) => Buffer.from(`${letter}\0`, "utf16le"))),
    "Latin-1": Buffer.from(`${open},"x":"é"}`, "latin1"),
    "a byte of no UTF-8": inString("ff"),
    "a continuation byte alone": inString("80"),
    "a sequence cut short": inString("e282"),
    "an overlong slash": inString("c0af"),
    "an overlong NUL": inString("c080"),
    "a surrogate in UTF-8": inString("eda080"),
    "a character beyond Unicode": inString("f4908080"),
    "a sequence of six bytes": inString("fc8080808080"),
  };
}

function spacedOut(by: Forge): Tokens {
  const payload = `\r\n\t ${JSON.stringify(goodClaims(), null, "\t").replaceAll('":', '" \r\n:')} \n`;
  const header = ` ${JSON.stringify(goodHeader(by), null, 2)}\r\n`;
  return { "spaces between the members": forge(by, { header, payload }) };
}
