import { isIP } from "node:net";

type Shape = readonly [name: RegExp, isValue: (value: string) => boolean];

const PROTOCOL = "(?:TCP|UDP|SCTP)";

/**
 * Variables that Kubernetes adds to every container for each Service, and Docker for each `--link`. They begin with its
 * name in capitals: `MINTMARK_` for mintmark, `MINTMARK_FEED_` for mintmark-feed.
 */
const SHAPES: readonly Shape[] = [
  [/_SERVICE_HOST$/, isAddress],
  [/_SERVICE_PORT(?:_[A-Z0-9_]+)?$/, isPort],
  [new RegExp(`_PORT(?:_\\d+_${PROTOCOL})?$`), isEndpoint],
  [new RegExp(`_PORT_\\d+_${PROTOCOL}_ADDR$`), isAddress],
  [new RegExp(`_PORT_\\d+_${PROTOCOL}_PORT(?:_START|_END)?$`), isPort],
  [new RegExp(`_PORT_\\d+_${PROTOCOL}_PROTO$`), (value) => /^(?:tcp|udp|sctp)$/.test(value)],
  // Docker alone: both names of the link, and the environment of the other container.
  [/_NAME$/, (value) => /^\/[^/]+\/[^/]+$/.test(value)],
  [/^MINTMARK(?:_[A-Z0-9_]+)?_ENV_\w/, () => true],
];

/** Whether the name and value of a variable are those of a Service or link whose name begins with mintmark. */
export function isServiceLink(name: string, value: string): boolean {
  return name.startsWith("MINTMARK_") && SHAPES.some(([shape, isValue]) => shape.test(name) && isValue(value));
}

function isAddress(value: string): boolean {
  return isIP(value) !== 0;
}

function isPort(value: string): boolean {
  return /^[0-9]{1,5}$/.test(value) && Number(value) <= 65535;
}

function isEndpoint(value: string): boolean {
  const [, bracketed, plain, port = ""] = /^(?:tcp|udp|sctp):\/\/(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(value) ?? [];
  return isAddress(bracketed ?? plain ?? "") && isPort(port);
}
