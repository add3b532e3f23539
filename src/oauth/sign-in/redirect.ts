/** Sends a browser elsewhere by GET. The handle of a request is in the URL of the page that it leaves. */
export function redirectTo(url: URL): Response {
  return new Response(null, {
    status: 303,
    headers: { location: url.href, "cache-control": "no-store", "referrer-policy": "no-referrer" },
  });
}
