/** Most tokens in one generation, and most characters of all of them together. */
const MAX_TOKENS = 5000;
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** The end of a token, nearly all of which is signature: whatever else is changed in a token, this tells many apart. */
const TAIL = 64;

export type TokenCache<Value> = {
  get(token: string): Value | undefined;
  /** Keeps the value of a token whose signature is good (so it is ASCII), from the second time within a short while on. */
  set(token: string, value: Value): void;
};

type Entry<Value> = { token: string; value: Value };

/**
 * A bounded cache that is keyed by the exact text of tokens. They are filed by their last characters, since
 * to hash a whole token takes longer than all else; what is found must then be equal to the last character.
 *
 * It has two generations: when the younger one is full the older one is dropped, but for those that were
 * asked for since. So nothing has to be put in order when a token is read. Tokens that come once leave no
 * more than a mark: were they kept, they would push out those that come again, and outlive the young heap.
 */
export function createTokenCache<Value>(): TokenCache<Value> {
  let young = new Map<string, Entry<Value>>();
  let old = new Map<string, Entry<Value>>();
  let characters = 0;
  const wasSeen = createMarks();

  function keep(token: string, value: Value): void {
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
      keep(survivor.token, survivor.value);
      return survivor.value;
    },
    set(token, value) {
      // A token that was cut out of a header is a view of all of it, and would keep it: 16 KiB of spaces, at worst.
      if (wasSeen(token)) keep(Buffer.from(token, "latin1").toString("latin1"), value);
    },
  };
}

const MARKS = 2 ** 14;
const MARKED = 8;

/** Marks tokens, by characters of their signature, and says whether one had its mark already. A mark lasts until another takes its place. */
function createMarks(): (token: string) => boolean {
  const marks = new Int32Array(MARKS);
  return (token) => {
    // FNV-1a.
    let mark = 0x811c9dc5;
    for (let at = Math.max(0, token.length - MARKED); at < token.length; at += 1) {
      mark = Math.imul(mark ^ token.charCodeAt(at), 0x01000193);
    }
    const place = mark & (MARKS - 1);
    if (marks[place] === mark) return true;
    marks[place] = mark;
    return false;
  };
}
