import { isIP } from "node:net";

type Shape = readonly [name: RegExp, isValue: (value: string) => boolean];

const PROTOCOL = "(?:TCP|UDP|SCTP)";

/**
 * What Kubernetes adds to every container for each Service, and Docker for each `--link`, below the name of the Service or
 * link in capitals: `MINTMARK_` for one named mintmark, `MINTMARK_FEED_` for mintmark-feed.
 */
const SHAPES: readonly Shape[] = [
  [/_SERVICE_HOST$/, isAddress],
  [/_SERVICE_PORT(?:_[A-Z0-9_]+)?$/, isPort],
  [new RegExp(`_PORT(?:_\\d+_${PROTOCOL})?$`), isEndpoint],
  [new RegExp(`_PORT_\\d+_${PROTOCOL}_ADDR$`), isAddress],
  [new RegExp(`_PORT_\\d+_${PROTOCOL}_PORT(?:_START|_END)?$`), isPort],
  [new RegExp(`_PORT_\\d+_${PROTOCOL}_PROTO$`), (value) => /^(?:tcp|udp|sctp)$/.test(value)],
  // By Docker alone: both names of the link, and the environment of the other container.
  [/_NAME$/, (value) => /^\/[^/]+\/[^/]+$/.test(value)],
  [/^MINTMARK(?:_[A-Z0-9_]+)?_ENV_\w/, () => true],
];

/** Whether a variable was added beside a Service or link whose name begins with mintmark, by its name and its value. */
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
