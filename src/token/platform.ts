/**
 * Modules of Node that are faster than WebCrypto and `atob`. Node, Bun and Deno have them; elsewhere they are `undefined`.
 * Not by `import`: a platform without them refuses a file that names them.
 */
export const nodeCrypto = builtin(() => globalThis.process?.getBuiltinModule?.("node:crypto"));
const NodeBuffer = builtin(() => globalThis.process?.getBuiltinModule?.("node:buffer")?.Buffer);

/** The edge runtime of Next.js has a `process` whose members throw. */
function builtin<Module>(load: () => Module): Module | undefined {
  try {
    return load();
  } catch {
    return undefined;
  }
}

/** Decodes canonical base64url: see {@link isBase64url}. */
export const decodeBase64url: (text: string) => Uint8Array<ArrayBuffer> =
  NodeBuffer === undefined ? decodeByAtob : (text) => NodeBuffer.from(text, "base64url");

/** Bytes of ASCII text. */
export const asciiBytes: (text: string) => Uint8Array<ArrayBuffer> =
  NodeBuffer === undefined ? encodeUtf8 : (text) => NodeBuffer.from(text, "latin1");

/** A copy of ASCII text that is no view of a longer one. In Node by latin1: comparison with a string of `TextDecoder` is slower. */
export const copyOfAscii: (text: string) => string =
  NodeBuffer === undefined
    ? (text) => new TextDecoder().decode(encodeUtf8(text))
    : (text) => NodeBuffer.from(text, "latin1").toString("latin1");

function decodeByAtob(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

const encoder = new TextEncoder();

export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** Whether a text is non-empty base64url without padding, in canonical encoding. */
export function isBase64url(text: string): boolean {
  return BASE64URL.test(text) && isCanonical(text);
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Whether the length is possible and the unused low bits of the last character are zero (RFC 4648 §3.5). */
export function isCanonical(segment: string): boolean {
  const last = ALPHABET.indexOf(segment.at(-1) ?? "");
  switch (segment.length % 4) {
    case 0:
      return true;
    case 2:
      return (last & 0b1111) === 0;
    case 3:
      return (last & 0b11) === 0;
    default:
      return false;
  }
}
