/** Follows the events of a server until the first update or refusal, and returns it. */
export async function follow(
  url: string,
  { authorization, after }: { authorization?: string; after?: string } = {},
): Promise<{ status: number; reason: string; text: string }> {
  const input = after === undefined ? "" : `?input=${encodeURIComponent(JSON.stringify({ after }))}`;
  const response = await fetch(`${url}/trpc/events${input}`, {
    headers: { accept: "text/event-stream", ...(authorization && { authorization }) },
  });
  if (response.status !== 200) {
    const text = await response.text();
    return { status: response.status, reason: JSON.parse(text).error.data.reason, text };
  }
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    const refused = /event: serialized-error\ndata: (.*)\n/.exec(text)?.[1];
    if (refused === undefined && !/^id: (?!snapshot)/m.test(text)) continue;
    const { httpStatus = 200, reason = "served" } = refused === undefined ? {} : JSON.parse(refused).data;
    return { status: httpStatus, reason, text };
  }
  return { status: response.status, reason: "ended", text };
}
