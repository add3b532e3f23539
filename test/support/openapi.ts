/** The description of the API at a server, with its shared responses in their places. */
export async function readApi<Api>(url: string): Promise<Api> {
  const text = await (await fetch(`${url}/openapi.json`)).text();
  const { components } = JSON.parse(text) as { components: { responses: Record<string, object> } };
  const nameOf = (ref: string) => ref.replace("#/components/responses/", "");
  return JSON.parse(text, (_, value) =>
    typeof value?.$ref === "string" ? components.responses[nameOf(value.$ref)] : value,
  );
}
