/** Host names, ports and loopback: what an address in a setting may look like. */
import { isIP, isIPv4, isIPv6 } from "node:net";

export interface Address {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/** An IP address (IPv6 without brackets) or a DNS name. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  // 300.1.2.3 would pass as a name; no name ends in a number.
  return HOST_NAME.test(text) && !/(^|\.)\d+\.?$/.test(text);
}

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
  return bare === "localhost" || bare === "::1" || (isIPv4(bare) && bare.startsWith("127."));
}

/** Reads `host:port` (IPv6 in brackets); without a port `defaultPort`, if there is one. */
export function parseAddress(text: string, defaultPort?: number): Address | undefined {
  const groups = /^(?:\[(?<v6>[^\]]*)\]|(?<name>[^:]*))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups;
  if (!groups) return undefined;
  const port = groups.port === undefined ? defaultPort : Number(groups.port);
  const host = groups.v6 ?? groups.name ?? "";
  const isSound = groups.v6 === undefined ? isHost(host) : isIPv6(host);
  return isSound && isConnectablePort(port) ? { host, port } : undefined;
}

function isConnectablePort(port: number | undefined): port is number {
  return port !== undefined && port >= 1 && port <= 65_535;
}

export function showAddress({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
