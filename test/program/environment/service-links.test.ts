import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/program/config.ts";

/** The variables that Kubernetes adds for a Service, by its name in capitals. */
function serviceLinks(name: string, address: string, port: number): Record<string, string> {
  const host = address.includes(":") ? `[${address}]` : address;
  const endpoint = `${name}_PORT_${port}_TCP`;
  return {
    [`${name}_SERVICE_HOST`]: address,
    [`${name}_SERVICE_PORT`]: String(port),
    [`${name}_SERVICE_PORT_HTTP`]: String(port),
    [`${name}_PORT`]: `tcp://${host}:${port}`,
    [endpoint]: `tcp://${host}:${port}`,
    [`${endpoint}_PROTO`]: "tcp",
    [`${endpoint}_PORT`]: String(port),
    [`${endpoint}_ADDR`]: address,
  };
}

describe("readConfig beside Services named mintmark", () => {
  it.each(["MINTMARK", "MINTMARK_FEED", "MINTMARK_PG", "MINTMARK_DATA", "MINTMARK_ISSUER", "MINTMARK_SERVICE"])(
    "passes over what Kubernetes adds for %s",
    (name) => {
      expect(readConfig(serviceLinks(name, "10.96.0.1", 3000))).toEqual(readConfig({}));
      expect(readConfig(serviceLinks(name, "fd00:10:96::1", 443))).toEqual(readConfig({}));
    },
  );

  it("ignores other protocols, and variables of a Docker link", () => {
    const links = {
      MINTMARK_DNS_PORT: "udp://10.96.0.1:53",
      MINTMARK_DNS_PORT_53_UDP: "udp://10.96.0.1:53",
      MINTMARK_DNS_PORT_53_UDP_PROTO: "udp",
      MINTMARK_NAME: "/web/mintmark",
      MINTMARK_PORT_3000_TCP_PORT_START: "3000",
      MINTMARK_ENV_PATH: "/usr/bin",
      MINTMARK_DB_ENV_POSTGRES_PASSWORD: "any thing\n",
    };
    expect(readConfig(links)).toEqual(readConfig({}));
  });

  it.each([
    ["MINTMARK_PORT", "3000"],
    ["MINTMARK_PORT", "tcp://10.0.0.1"],
    ["MINTMARK_PORT", "tcp://10.0.0.1:99999"],
    ["MINTMARK_PORT", "http://10.0.0.1:3000"],
    ["MINTMARK_PORT", "tcp://tokens.example:3000"],
    ["MINTMARK_HOST", "10.0.0.1"],
    ["MINTMARK_SERVICE_HOST", "tokens.example"],
    ["MINTMARK_SERVICE_PORT", "http"],
    ["MINTMARK_PORT_3000_TCP_PROTO", "http"],
    ["MINTMARK_PORT_3000", "tcp://10.0.0.1:3000"],
    ["MINTMARK_NAME", "tokens"],
    ["MINTMARK_ENV", "production"],
    ["MINTMARK_DATABASE_URL", "postgres://a/b"],
    ["MINTMARK_LOG_LEVEL_FILE", "/run/level"],
  ])("refuses %s=%s", (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(`${name} is no variable of Mintmark`);
  });
});
