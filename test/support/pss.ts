import { createHash, randomBytes } from "node:crypto";
import { edit } from "./pkcs1.ts";

/** Of an RSA modulus of 2048 bits, in bytes. */
const SIZE = 256;

type Shape = { hash?: string; mask?: string; salt?: number; separator?: number; filling?: number; trailer?: number };

/** The padded message of RFC 8017 §9.1.1, or one that departs from it in the points named. */
export function pssMessage(input: Buffer, shape: Shape = {}): Buffer {
  const { hash = "sha256", mask = "sha256", salt: saltLength = 32, separator = 1, filling = 0, trailer = 0xbc } = shape;
  const salt = randomBytes(saltLength);
  const digest = createHash(hash).update(input).digest();
  const h = createHash(hash)
    .update(Buffer.concat([Buffer.alloc(8), digest, salt]))
    .digest();
  const padding = Buffer.alloc(SIZE - h.length - saltLength - 2, filling);
  const block = Buffer.concat([padding, Buffer.from([separator]), salt]);
  const masked = generateMask(h, { hash: mask, length: block.length }).map((byte, index) => byte ^ (block[index] ?? 0));
  masked[0] = (masked[0] ?? 0) & 0x7f;
  return Buffer.concat([masked, h, Buffer.from([trailer])]);
}

/** MGF1 of RFC 8017 §B.2.1. */
function generateMask(seed: Buffer, { hash, length }: { hash: string; length: number }): Uint8Array {
  const blocks: Buffer[] = [];
  for (let counter = 0; Buffer.concat(blocks).length < length; counter += 1) {
    blocks.push(
      createHash(hash)
        .update(seed)
        .update(Buffer.from([0, 0, 0, counter]))
        .digest(),
    );
  }
  return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
}

/** Padded messages that differ from the right one in one point each, by what is wrong with them. */
export function pssForgeries(input: Buffer): Record<string, Buffer> {
  const messages: Record<string, Buffer> = {
    "a hash of another message": pssMessage(Buffer.from("another")),
    "a separator of 0": pssMessage(input, { separator: 0 }),
    "a separator of 2": pssMessage(input, { separator: 2 }),
    "padding of FF": pssMessage(input, { filling: 0xff }),
    "padding of 1": pssMessage(input, { filling: 1 }),
    "a mask by SHA-1": pssMessage(input, { mask: "sha1" }),
    "a mask by SHA-512": pssMessage(input, { mask: "sha512" }),
  };
  // RFC 7518 §3.5 fixes the salt at the length of the hash.
  for (const salt of [0, 1, 8, 20, 31, 33, 48, 64, 222]) {
    messages[`a salt of ${salt} bytes`] = pssMessage(input, { salt });
  }
  for (const hash of ["md5", "sha1", "sha224", "sha384", "sha512", "sha512-256", "sha3-256"]) {
    messages[`a good hash by ${hash}`] = pssMessage(input, { hash, mask: hash });
    messages[`a good hash by ${hash} with a mask by SHA-256`] = pssMessage(input, { hash });
  }
  for (const trailer of [0x00, 0xbb, 0xbd, 0xcc, 0xff]) {
    messages[`a trailer of ${trailer.toString(16)}`] = pssMessage(input, { trailer });
  }
  const right = pssMessage(input);
  for (let at = 0; at < SIZE; at += 8) {
    messages[`a flipped bit in the padded message | ${at}`] = edit(right, { at, flip: 1 });
  }
  return messages;
}
