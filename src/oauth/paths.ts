/** The paths of the endpoints, below the issuer. */
export const PATHS = {
  token: "/oauth/token",
  introspect: "/oauth/introspect",
  revoke: "/oauth/revoke",
  userinfo: "/oauth/userinfo",
  authorize: "/oauth/authorize",
  /** Where a browser comes back to, and where the forms of our own pages are sent. */
  continue: "/oauth/continue",
  /** Where an OpenID provider sends the browser. */
  callback: "/oauth/callback",
  logout: "/oauth/logout",
  /** Where a device begins, and where people enter its user code. */
  deviceAuthorization: "/oauth/device",
  userCode: "/device",
  register: "/oauth/register",
} as const;
