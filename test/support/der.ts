import { type KeyObject, sign } from "node:crypto";

/** One ASN.1 value in DER: its tag, its length in the shortest form, its content. */
export function der(tag: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body.length)]), body]);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

export const hex = (digits: string) => Buffer.from(digits, "hex");

export const SEQUENCE = 0x30;
export const OCTET_STRING = 0x04;
export const OID = 0x06;
export const NULL = hex("0500");

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const SET = 0x31;
const UTC_TIME = 0x17;
const COMMON_NAME = der(OID, hex("550403"));
const ECDSA_WITH_SHA256 = der(SEQUENCE, der(OID, hex("2a8648ce3d040302")));

/** An X.509 certificate (RFC 5280) for a public key, signed by a P-256 authority of the same name. */
export function certify(
  publicKey: KeyObject,
  authority: KeyObject,
  { name: of = "mallory", until = "491231235959Z" } = {},
): Buffer {
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(of)))));
  const validity = der(SEQUENCE, der(UTC_TIME, Buffer.from("200101000000Z")), der(UTC_TIME, Buffer.from(until)));
  const toBeSigned = der(
    SEQUENCE,
    der(INTEGER, Buffer.from([1])),
    ECDSA_WITH_SHA256,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = sign("sha256", toBeSigned, authority);
  return der(SEQUENCE, toBeSigned, ECDSA_WITH_SHA256, der(BIT_STRING, Buffer.from([0]), signature));
}
