/** The words that differ between the servers that Mintmark connects to. */
export type Peer = {
  /** Where its host is configured: `the host in DATABASE_URL`. */
  host: string;
  /** Host and port together. */
  address: string;
  /** What should listen there. */
  server: string;
  /** How to make its certificate trusted. */
  trust: string;
  /** What to check after a failed TLS handshake. */
  tls: string;
};

/** What to do about a failed connection, by the error code of the socket, of DNS (libuv) or of TLS (OpenSSL, Node.js). */
export function connectionRemedies({ host, address, server, trust, tls }: Peer) {
  const network = `check ${address} and the network`;
  const certificate = `its TLS certificate is not trusted: ${trust}`;
  const closed = `the connection was closed: check ${address}, and that ${server} runs`;
  const notPermitted =
    "this process is not permitted to connect: check the rules of the firewall and of the service manager";
  const handshake = `the TLS handshake failed: ${tls}`;
  return {
    ECONNREFUSED: `the connection was refused: check ${address}, and that ${server} runs`,
    ECONNRESET: closed,
    EPIPE: closed,
    ENOTFOUND: `the host name does not exist: check ${host}`,
    EAI_AGAIN: `the host name cannot be resolved: check the DNS of this machine and ${host}`,
    ETIMEDOUT: `the connection timed out: ${network}, such as a firewall`,
    EHOSTUNREACH: `its host is unreachable: ${network}`,
    EHOSTDOWN: `its host is down: ${network}`,
    ENETUNREACH: `its network is unreachable: ${network}`,
    EADDRNOTAVAIL: `its host is unreachable, or no local port is free: ${network}`,
    EACCES: notPermitted,
    EPERM: notPermitted,
    EMFILE: "this process has too many open files: raise its limit, such as LimitNOFILE",
    ENFILE: "this machine has too many open files: raise fs.file-max",
    DEPTH_ZERO_SELF_SIGNED_CERT: certificate,
    SELF_SIGNED_CERT_IN_CHAIN: certificate,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate,
    UNABLE_TO_GET_ISSUER_CERT: certificate,
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate,
    CERT_UNTRUSTED: certificate,
    CERT_SIGNATURE_FAILURE: certificate,
    CERT_HAS_EXPIRED: "its TLS certificate has expired: renew it",
    CERT_NOT_YET_VALID: "its TLS certificate is not valid yet: check the clocks of both machines",
    CERT_REVOKED: "its TLS certificate was revoked: renew it",
    ERR_TLS_CERT_ALTNAME_INVALID: `its TLS certificate is for another host name: correct ${host}`,
    EPROTO: handshake,
    ERR_SSL: handshake,
  };
}
