import { copyOfAscii } from "../token/platform.ts";

/** Most tokens in one generation, and most characters in all of them. */
const MAX_TOKENS = 5000;
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** Length of the end of a token that is its key: nearly all of it is signature, so that tokens differ in it. */
const TAIL = 64;

export type TokenCache<Value> = {
  get(token: string): Value | undefined;
  /** Caches the value of a verified token (so it is ASCII), from its second use within a short time on. */
  set(token: string, value: Value): void;
};

type Entry<Value> = { token: string; value: Value };

/**
 * Two-generation LRU of tokens by their exact text. When the younger generation is full, the older one is dropped, except
 * for tokens read since: so a read moves nothing. Lookup is by the last characters, then by comparison, since a hash of the
 * whole token takes longer than everything else. A token is cached on its second use, so that one-time tokens do not evict
 * hot ones.
 */
export function createTokenCache<Value>(): TokenCache<Value> {
  let young = new Map<string, Entry<Value>>();
  let old = new Map<string, Entry<Value>>();
  let characters = 0;
  const wasSeen = createSeenFilter();

  function insert(token: string, value: Value): void {
    if (young.size >= MAX_TOKENS || characters + token.length > MAX_CHARACTERS) {
      [young, old] = [new Map(), young];
      characters = 0;
    }
    young.set(token.slice(-TAIL), { token, value });
    characters += token.length;
  }

  return {
    get(token) {
      const tail = token.slice(-TAIL);
      const found = young.get(tail);
      if (found !== undefined) return found.token === token ? found.value : undefined;
      const survivor = old.get(tail);
      if (survivor?.token !== token) return undefined;
      insert(survivor.token, survivor.value);
      return survivor.value;
    },
    set(token, value) {
      // A copy: a token cut out of a header is a view that retains the whole header, up to 16 KiB.
      if (wasSeen(token)) insert(copyOfAscii(token), value);
    },
  };
}

const SLOTS = 2 ** 14;
const HASHED = 8;

/** Whether a token was seen before, by a hash of the end of its signature. A slot lasts until another token takes it. */
function createSeenFilter(): (token: string) => boolean {
  const slots = new Int32Array(SLOTS);
  return (token) => {
    // FNV-1a.
    let hash = 0x811c9dc5;
    for (let at = Math.max(0, token.length - HASHED); at < token.length; at += 1) {
      hash = Math.imul(hash ^ token.charCodeAt(at), 0x01000193);
    }
    const slot = hash & (SLOTS - 1);
    if (slots[slot] === hash) return true;
    slots[slot] = hash;
    return false;
  };
}
