/** The names under which the proxy shows itself. */
import { randomBytes } from "node:crypto"
import { hostname } from "node:os"
import { isLoopback } from "../../decisions/proxy/address.ts"
import { hostInUrl } from "../../decisions/proxy/host.ts"
import type { OwnNames } from "./guard.ts"

/**
 * A name of our own under localhost, made anew each time: cookies ignore ports, so one for `localhost` would go to every
 * server on this host that the student's browser visits. Listening to the network, it is the address or this host's name.
 */
export function ownNames(address: string, port: number): OwnNames {
  if (!isLoopback(address)) {
    const everywhere = address === "0.0.0.0" || address === "::"
    const host = `${everywhere ? hostname().toLowerCase() : hostInUrl(address)}:${port}`
    return { origin: `http://${host}`, host, hosts: new Set([host]), anyAddress: true, entrances: new Set() }
  }
  const host = `mp-${randomBytes(8).toString("hex")}.localhost:${port}`
  const entrances = ["localhost", "127.0.0.1", "[::1]", hostInUrl(address)].map((name) => `${name}:${port}`)
  return {
    origin: `http://${host}`,
    host,
    hosts: new Set([host]),
    anyAddress: false,
    entrances: new Set(entrances),
  }
}
