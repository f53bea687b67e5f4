import { isIP } from "node:net";

/** The headers of a request that say where it comes from. */
export interface RequestOrigin {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`; browsers set it and pages cannot. */
  readonly fetchSite: string | undefined;
}

/**
 * Is this a name of ours? Any IP address is, since only a DNS name can be rebound to us by somebody else's page.
 * @param names further host names, lower case.
 */
export function isOwnHost(host: string | undefined, names: readonly string[]): boolean {
  const name = hostName(host ?? "");
  return name !== null && (isIP(name) !== 0 || name === "localhost" || names.includes(name));
}

/**
 * False for a request that another site's page made with this browser's cookie. A request that changes something must
 * say where it comes from; a plain one must not say that it comes from elsewhere.
 */
export function isSameOrigin({ method, host, origin, fetchSite }: RequestOrigin): boolean {
  if (fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none") return false;
  if (origin !== undefined) return origin === `http://${host}` || origin === `https://${host}`;
  return method === "GET" || method === "HEAD";
}

/** `[::1]:8130` is `::1`; null when it is no host. */
function hostName(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null;
}
