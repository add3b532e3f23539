import type { TrustUpdate } from "../../../trust/trust-update.ts";

export type ServerEvent = { id: string; event: string; data: string };

/**
 * Splits a text of server-sent events (HTML standard §9.2.6) into its events and what is left for the next one. Reads what
 * Mintmark writes: lines end by a line feed, and data has one line.
 */
export function readEvents(text: string): { events: ServerEvent[]; rest: string } {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  const events = blocks.map((block) => {
    const read: ServerEvent = { id: "", event: "message", data: "" };
    for (const line of block.split("\n")) {
      const [, name, value = ""] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
      if (name === "id" || name === "event" || name === "data") read[name] = value;
    }
    return read;
  });
  return { events, rest };
}

const REVOKED = {
  token: (id: string) => `Token \`${id}\` revoked`,
  session: (id: string) => `Session \`${id}\` revoked`,
  subject: (id: string) => `All tokens of the subject \`${id}\` revoked`,
  client: (id: string) => `All tokens of the client \`${id}\` revoked`,
};

/** Makes the lines of updates for the list of events: one for all parts of a snapshot, none for a heartbeat. */
export function createEventLines(): (update: TrustUpdate) => string[] {
  let snapshot: { keys: number; revocations: number } | undefined;
  return (update) => {
    const { reset, more, keys, revocations = [], tokens = [] } = update;
    if (reset) snapshot = { keys: 0, revocations: 0 };
    if (snapshot === undefined) return linesOf(update);
    snapshot.keys += keys?.length ?? 0;
    snapshot.revocations += revocations.length + tokens.reduce((sum, { jtis }) => sum + jtis.length, 0);
    if (more) return [];
    const line = `Snapshot: ${plural(snapshot.keys, "key")}, ${plural(snapshot.revocations, "revocation")}`;
    snapshot = undefined;
    return [line];
  };
}

function linesOf({ keys, revocations = [], tokens = [] }: TrustUpdate): string[] {
  const kids = keys?.map(({ jwk }) => ("kid" in jwk ? `\`${jwk.kid}\`` : "?")) ?? [];
  return [
    ...(keys === undefined ? [] : [kids.length === 0 ? "No keys left" : `Keys now: ${kids.join(", ")}`]),
    ...revocations.map(({ kind, id }) => REVOKED[kind](id)),
    ...tokens.flatMap(({ jtis }) => jtis.map(REVOKED.token)),
  ];
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
