/** Followers of one server, as plain sockets. Run by `followers.ts`, on a processor of its own. */
import { once } from "node:events";
import { connect } from "node:net";

export type FollowersPlan = { port: number; followers: number; authorizations: readonly string[] };

/**
 * `reached`: each sequence number that the slowest follower has received, and when: in milliseconds of the monotonic clock of the
 * machine. `received`: events of all followers since the last report.
 */
export type FollowersReport = { reached: [sequence: number, at: number][]; received: number };

const [plan] = (await once(process, "message")) as [FollowersPlan];
const { port, followers, authorizations } = plan;

/** Number of followers at each sequence number, in order. */
const at = new Map<number, number>();
let report: FollowersReport = { reached: [], received: 0 };
const now = () => Number(process.hrtime.bigint()) / 1e6;

function move(from: number | undefined, to: number): void {
  report.received += 1;
  if (from === to) return;
  at.set(to, (at.get(to) ?? 0) + 1);
  if (from === undefined) return;
  at.set(from, (at.get(from) ?? 0) - 1);
  // A number is first reached in order, so the first key is that of the slowest follower.
  for (const [sequence, count] of at) {
    if (count > 0) return;
    at.delete(sequence);
    const [next] = at.keys();
    if (next !== undefined) report.reached.push([next, now()]);
  }
}

/** Resolves when the snapshot has been received. */
function follow(authorization: string): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  const head = ["Host: 127.0.0.1:3000", "Accept: text/event-stream", authorization].join("\r\n");
  socket.write(`GET /trpc/events HTTP/1.1\r\n${head}\r\n\r\n`);
  socket.on("error", (error) => process.stderr.write(`${error.message}\n`));
  socket.on("close", () => process.exit(1));
  return new Promise((resolve) => {
    let position: number | undefined;
    socket.on("data", (chunk) => {
      const sequence = sequenceOf(chunk);
      if (sequence === undefined) return;
      if (position === undefined) resolve();
      move(position, sequence);
      position = sequence;
    });
  });
}

const [COLON, LINE_FEED, DIGIT] = [":", "\n", "0"].map((character) => character.charCodeAt(0)) as [
  number,
  number,
  number,
];

/** The sequence number in the id at the end of the last event, which is the end of a chunk of HTTP. */
function sequenceOf(chunk: Buffer): number | undefined {
  let end = chunk.length - 1;
  while (end > 0 && (chunk[end] === LINE_FEED || chunk[end] === 13)) end -= 1;
  let sequence = 0;
  let unit = 1;
  for (; end > 0 && chunk[end] !== COLON; end -= 1) {
    const digit = (chunk[end] ?? 0) - DIGIT;
    if (digit < 0 || digit > 9) return undefined;
    sequence += digit * unit;
    unit *= 10;
  }
  return unit === 1 ? undefined : sequence;
}

const BATCH = 50;
for (let opened = 0; opened < followers; opened += BATCH) {
  const batch = Array.from({ length: Math.min(BATCH, followers - opened) }, (_, one) =>
    follow(authorizations[(opened + one) % authorizations.length] ?? ""),
  );
  await Promise.all(batch);
}
process.on("message", () => {
  process.send?.(report);
  report = { reached: [], received: 0 };
});
process.on("disconnect", () => process.exit(0));
process.send?.(report);
