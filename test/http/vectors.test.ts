import { Agent } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { catalogue } from "../../src/errors.ts";
import { captureLog } from "../support/log.ts";
import { type RawRequest, send } from "../support/request.ts";
import { openServer } from "../support/service.ts";
import { describeVectors, listVectors, readJsonVector, readVector } from "../support/vectors.ts";

type Server = Awaited<ReturnType<typeof openServer>>;

const { lines, logger } = captureLog();
let open: Server;
let closed: Server;
beforeAll(async () => {
  [open, closed] = await Promise.all([openServer({}, { logger }), openServer({ open: false }, { logger })]);
});
afterAll(async () => {
  await Promise.all([open, closed].map((server) => server[Symbol.asyncDispose]()));
});

/** Asks over one connection, from one of the many addresses that Linux has for this machine. */
async function askFrom(localAddress: string, requests: readonly Request[]): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress });
  try {
    return await Promise.all(requests.map(({ url, ...request }) => outcomeOf(url, { ...request, agent })));
  } finally {
    agent.destroy();
  }
}

type Request = RawRequest & { url: string };
type RequestOf = (text: string) => RawRequest & { path: string };

/** What came of a request: `served`, or the reason of a refusal that is one of the catalogue and no failure of ours. */
async function outcomeOf(url: string, request: RawRequest): Promise<string> {
  const { status, text } = await send(url, request);
  if (status === 200) return "served";
  const { reason, httpStatus } = JSON.parse(text).error.data;
  const isRefusal = status < 500 && Object.hasOwn(catalogue, reason) && httpStatus === status;
  return isRefusal ? reason : `${status} ${text} at ${url.slice(0, 200)}`;
}

/** Elsewhere than on Linux, one address has to do for all, and is refused unheard soon. */
const hasOtherAddresses = process.platform === "linux";
const GUESSED = hasOtherAddresses ? ["invalid_client"] : ["invalid_client", "too_many_attempts"];

const JSON_BODY = { method: "POST", headers: { "content-type": "application/json" } };

describeVectors("JSONTestSuite", () => {
  const folders = ["test_parsing", "test_transform"].map((folder) => `JSONTestSuite/${folder}`);
  const files = folders.flatMap((folder) =>
    listVectors(folder).map((name) => ({ name, bytes: readVector(`${folder}/${name}`) })),
  );
  /** The files by what came of them. */
  async function outcomes(requestOf: (bytes: Buffer) => { path: string } & RawRequest) {
    const found: Record<string, string[]> = {};
    const requests = files.map(({ bytes }) => {
      const { path, ...request } = requestOf(bytes);
      return { ...request, url: `${open.url}/trpc/${path}` };
    });
    for (const [at, outcome] of (await askFrom("127.0.0.1", requests)).entries()) {
      found[outcome] = [...(found[outcome] ?? []), files[at]?.name ?? ""].sort();
    }
    return found;
  }

  const HUGE = ["n_structure_100000_opening_arrays.json", "n_structure_open_array_object.json"];
  const REPEATED = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];
  const NOTHING = ["n_structure_UTF8_BOM_no_data.json", "n_structure_no_data.json"];

  test.each(["verifyToken", "revokeToken"])("%s rejects each file as a body", async (path) => {
    const found = await outcomes((body) => ({ ...JSON_BODY, path, body }));
    expect(Object.keys(found).sort()).toEqual(["invalid_request", "malformed_request", "payload_too_large"]);
    expect(found.payload_too_large).toEqual(HUGE);
    // Whatever is JSON is no input of theirs; and nothing at all is no input.
    expect(found.invalid_request?.filter((name) => name.startsWith("n_"))).toEqual(NOTHING);
    expect(found.malformed_request?.filter((name) => name.startsWith("y_"))).toEqual(REPEATED);
  });

  test("getToken is asked for nothing by an empty body or an empty object, and refuses every other file", async () => {
    const found = await outcomes((body) => ({ ...JSON_BODY, path: "getToken", body }));
    expect(found.served).toEqual(["i_structure_UTF-8_BOM_empty_object.json", ...NOTHING, "y_object_empty.json"]);
    expect(found.payload_too_large).toEqual(HUGE);
  });

  test("getToken refuses each file in its URL likewise", async () => {
    const small = (bytes: Buffer) => (bytes.length < 4000 ? bytes : Buffer.from("{"));
    const found = await outcomes((bytes) => ({ path: `getToken?input=${escaped(small(bytes))}` }));
    expect(found.served).toEqual(["y_object_empty.json"]);
    expect(Object.keys(found).sort()).toEqual(["invalid_request", "malformed_request", "served"]);
  });
});

const escaped = (bytes: Uint8Array) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

describeVectors("blns", () => {
  const strings = readJsonVector<string[]>("blns/blns.json");

  function outcomesOf(server: Server, requestOf: RequestOf, share = 1) {
    const requests = requestsTo(server, requestOf).filter((_, at) => at % share === 0);
    return askFrom("127.0.0.1", requests).then(distinct);
  }

  /** What cannot be read counts as one client, which is refused unheard after ten failures at one address. */
  async function outcomesOfStrangers(requestOf: RequestOf) {
    const requests = requestsTo(closed, requestOf);
    if (!hasOtherAddresses) return askFrom("127.0.0.1", requests).then(distinct);
    const groups = Array.from({ length: Math.ceil(requests.length / 5) }, (_, at) =>
      requests.slice(5 * at, 5 * at + 5),
    );
    return distinct((await Promise.all(groups.map((group, at) => askFrom(`127.0.1.${at + 1}`, group)))).flat());
  }

  function requestsTo({ url }: Server, requestOf: RequestOf): Request[] {
    return strings.map((text) => {
      const { path, ...request } = requestOf(text);
      return { ...request, url: `${url}/trpc/${path}` };
    });
  }

  const distinct = (found: readonly string[]) => [...new Set(found)].sort();

  const sendable = (text: string) => Buffer.from(text.replaceAll(/[^\t\P{Cc}]/gu, "")).toString("latin1");

  test("getToken serves or refuses each string in its URL, as a value or as a name", async () => {
    const input = (value: unknown) => ({ path: `getToken?input=${encodeURIComponent(JSON.stringify(value))}` });
    expect(await outcomesOf(open, (subject) => input({ subject }))).toEqual(["invalid_request", "served"]);
    expect(await outcomesOf(open, (name) => input({ [name]: 1 }), 3)).toEqual(["invalid_request"]);
  });

  test("no procedure is found by a third of the strings", async () => {
    const found = await outcomesOf(open, (text) => ({ path: escaped(Buffer.from(text)) }), 3);
    expect(["batch_too_large", "malformed_request", "not_found"]).toEqual(expect.arrayContaining(found));
  });

  test("credentials of these strings are nobody's, as they stand or as HTTP Basic has them", async () => {
    const asHeader = (headers: RawRequest["headers"]) => ({ path: "getToken", ...(headers && { headers }) });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
    expect(await outcomesOfStrangers((text) => asHeader({ authorization: sendable(text) }))).toEqual(GUESSED);
    const encoded = (id: string) =>
      asHeader({ authorization: basic(`${encodeURIComponent(id)}:${encodeURIComponent(id)}`) });
    expect(await outcomesOfStrangers(encoded)).toEqual(GUESSED);
  });

  test("no client has any of these ids", async () => {
    const reasons = new Set<string>();
    for (let at = 0; at < strings.length; at += 50) {
      const inputs = strings.slice(at, at + 50).map((clientId) => ({ clientId }));
      const path = `clients.remove${",clients.remove".repeat(inputs.length - 1)}?batch=1`;
      const { text } = await send(`${open.url}/trpc/${path}`, { ...JSON_BODY, body: JSON.stringify({ ...inputs }) });
      for (const { error } of JSON.parse(text)) reasons.add(error.data.reason);
    }
    expect([...reasons].sort()).toEqual(["invalid_request", "unknown_client"]);
  });

  test("the log has nothing but requests, and quotes no string", () => {
    expect(lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg !== "request")).toEqual([]);
    const log = lines.join("");
    expect(strings.filter((text) => text.length > 12 && log.includes(text))).toEqual([]);
  });
});
