import { createHash } from "node:crypto";
import { der, hex, NULL, OCTET_STRING, OID, SEQUENCE } from "./der.ts";

/** Of an RSA modulus of 2048 bits, in bytes. */
const SIZE = 256;

const DIGESTS = {
  md5: hex("2a864886f70d0205"),
  sha1: hex("2b0e03021a"),
  sha256: hex("608648016503040201"),
  sha384: hex("608648016503040202"),
  sha512: hex("608648016503040203"),
};

type Digest = keyof typeof DIGESTS;

/** The padded message of RFC 8017 §9.2 that RS256 asks for. */
export function pkcs1Message(input: Buffer): Buffer {
  return pad(digestInfo("sha256", hash("sha256", input)));
}

/** Padded messages that differ from the right one in one point each, by what is wrong with them. */
export function pkcs1Forgeries(input: Buffer): Record<string, Buffer> {
  const digest = hash("sha256", input);
  const right = digestInfo("sha256", digest);
  const algorithm = der(OID, DIGESTS.sha256);
  const octets = der(OCTET_STRING, digest);
  const messages: Record<string, Buffer> = {
    "an algorithm without parameters": pad(der(SEQUENCE, der(SEQUENCE, algorithm), octets)),
    "an algorithm with two NULLs": pad(der(SEQUENCE, der(SEQUENCE, algorithm, NULL, NULL), octets)),
    "garbage in the parameters": pad(
      der(SEQUENCE, der(SEQUENCE, algorithm, der(OCTET_STRING, Buffer.alloc(64, 7))), octets),
    ),
    "a NULL that is not empty": pad(der(SEQUENCE, der(SEQUENCE, algorithm, hex("050100")), octets)),
    "a hash without its DigestInfo": pad(digest),
    "a hash without its octet string": pad(der(SEQUENCE, der(SEQUENCE, algorithm, NULL), digest)),
    "a hash less its last byte": pad(digestInfo("sha256", digest.subarray(0, -1))),
    "a hash with a byte more": pad(digestInfo("sha256", Buffer.concat([digest, Buffer.alloc(1)]))),
    "no hash": pad(digestInfo("sha256", Buffer.alloc(0))),
    "garbage inside the DigestInfo": pad(der(SEQUENCE, der(SEQUENCE, algorithm, NULL), octets, Buffer.alloc(32, 7))),
    "a length in long form": pad(Buffer.concat([hex("3081"), right.subarray(1)])),
    "an indefinite length": pad(Buffer.concat([hex("3080"), right.subarray(2), hex("0000")])),
    "a hash of another message": pad(digestInfo("sha256", hash("sha256", Buffer.from("another")))),
    "a hash in hexadecimal": pad(digestInfo("sha256", Buffer.from(digest.toString("hex")))),
    "block type 0": edit(pad(right), { at: 1, to: 0 }),
    "block type 2": edit(pad(right), { at: 1, to: 2 }),
    "a first byte of 1": edit(pad(right), { at: 0, to: 1 }),
    "no zero after the padding": edit(pad(right), { at: SIZE - right.length - 1, to: 0xff }),
    "a zero that comes too early": edit(pad(right), { at: SIZE - right.length - 2, to: 0 }),
    // CVE-2006-4339: a verifier that stops reading after the hash leaves room to forge by hand where e = 3.
    "short padding and garbage behind": pad(right, { filling: 8, behind: SIZE - right.length - 11 }),
    "no padding and garbage behind": pad(right, { filling: 0, behind: SIZE - right.length - 3 }),
    "a byte behind the hash": pad(right, { filling: SIZE - right.length - 4, behind: 1 }),
    "short padding after zeros": Buffer.concat([
      Buffer.alloc(100),
      pad(right).subarray(0, SIZE - 100 - right.length - 1),
      Buffer.alloc(1),
      right,
    ]),
    "nothing but padding": Buffer.concat([hex("0001"), Buffer.alloc(SIZE - 2, 0xff)]),
    "nothing but zeros and the hash": Buffer.concat([Buffer.alloc(SIZE - digest.length), digest]),
  };
  for (const name of ["md5", "sha1", "sha384", "sha512"] as const) {
    messages[`a good hash by ${name}`] = pad(digestInfo(name, hash(name, input)));
    messages[`a hash by SHA-256 labelled ${name}`] = pad(digestInfo(name, digest));
    messages[`a hash by ${name} labelled SHA-256`] = pad(digestInfo("sha256", hash(name, input)));
  }
  // Every byte of the padding counts (CVE-2022-24771: only some were looked at).
  for (let at = 2; at < SIZE - right.length - 1; at += 12) {
    messages[`a byte of the padding that is FE | ${at}`] = edit(pad(right), { at, to: 0xfe });
  }
  for (let at = SIZE - right.length; at < SIZE; at += 1) {
    messages[`a flipped bit in the DigestInfo | ${at}`] = edit(pad(right), { at, flip: 1 });
  }
  return messages;
}

function hash(name: Digest, input: Buffer): Buffer {
  return createHash(name).update(input).digest();
}

function digestInfo(name: Digest, digest: Buffer): Buffer {
  return der(SEQUENCE, der(SEQUENCE, der(OID, DIGESTS[name]), NULL), der(OCTET_STRING, digest));
}

function pad(content: Buffer, shape = { filling: SIZE - content.length - 3, behind: 0 }): Buffer {
  const filling = Buffer.alloc(shape.filling, 0xff);
  return Buffer.concat([hex("0001"), filling, hex("00"), content, Buffer.alloc(shape.behind, 7)]);
}

export function edit(message: Buffer, change: { at: number; to?: number; flip?: number }): Buffer {
  const edited = Buffer.from(message);
  edited[change.at] = (change.to ?? message[change.at] ?? 0) ^ (change.flip ?? 0);
  return edited;
}
