/** Requests as they go over the wire. */

export function introspect(path: string, token: string, by: { clientId: string; clientSecret: string }): string {
  const credentials = Buffer.from(`${by.clientId}:${by.clientSecret}`).toString("base64");
  const headers = [`Authorization: Basic ${credentials}`];
  return post(path, { body: `token=${token}`, type: "application/x-www-form-urlencoded", headers });
}

type Content = { body: string; type?: string; headers?: readonly string[] };

export function post(path: string, { body, type = "application/json", headers = [] }: Content): string {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  const head = ["Host: 127.0.0.1:3000", `Content-Type: ${type}`, length, ...headers];
  return `POST ${path} HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n${body}`;
}
