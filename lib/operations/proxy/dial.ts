/** Connections to backends: resolved once, every address checked, connected to an address that was checked. */
import { lookup } from "node:dns/promises"
import net from "node:net"
import { networkInterfaces } from "node:os"
import type { Duplex } from "node:stream"
import tls from "node:tls"
import { SocksClient } from "socks"
import { messageOf } from "../../base/errors.ts"
import { canonicalAddress, deniedAddress, isLoopback } from "../../decisions/proxy/address.ts"
import { type Allowed, addressInName } from "../../decisions/proxy/allowed.ts"
import { isAddress } from "../../decisions/proxy/host.ts"
import type { Target } from "../../decisions/proxy/target.ts"
import { ProxyFailure } from "./failures.ts"

/** Opens a connection to a permitted host; TLS comes on top. `signal` ends the attempt. */
export type Dial = (host: string, port: number, policy: AddressPolicy, signal: AbortSignal) => Promise<Duplex>

export interface AddressPolicy {
  allowed: Allowed
  /** The port on which this proxy itself listens. */
  ownPort: number
}

/** All addresses of a name. Throws with ENOTFOUND and the like. */
export type Resolve = (host: string) => Promise<string[]>

export const systemResolve: Resolve = async (host) =>
  (await lookup(host, { all: true, order: "ipv4first" })).map(({ address }) => address)

/** Straight over the network of this host. */
export function directDial(resolve: Resolve = systemResolve): Dial {
  return async (host, port, policy, signal) => {
    let failure: unknown = new ProxyFailure(502, "the name has no address")
    for (const address of await checkedAddresses(host, port, policy, resolve)) {
      try {
        return await connectTo(address, port, signal)
      } catch (error) {
        failure = error
        if (signal.aborted) break
      }
    }
    throw failure
  }
}

/**
 * The addresses of a host, after each of them was found permitted: one that is not refuses them all, since who answers for
 * the name could choose which comes first.
 */
export async function checkedAddresses(
  host: string,
  port: number,
  { allowed, ownPort }: AddressPolicy,
  resolve: Resolve,
): Promise<string[]> {
  // A node's short name is known in its own network only, but says the address.
  const carried = host.includes(".") || allowed.permits(host, port) !== "range" ? null : addressInName(host)
  const addresses = isAddress(host) ? [host] : carried ? [carried] : await resolve(host)
  return addresses.map((text) => {
    const address = canonicalAddress(text)
    if (address === null) throw new ProxyFailure(502, "the name resolves to no address")
    const why =
      allowed.refusesAddress(host, port, address) ??
      (port === ownPort && isOurs(address) ? "the proxy itself" : null)
    if (why) throw new ProxyFailure(403, `${address} is ${why}, which is never reached`)
    return address
  })
}

/** Through a SOCKS5 proxy, which resolves names itself: of those no address can be checked here. */
export function socksDial(proxy: { host: string; port: number }): Dial {
  return async (host, port, { allowed }, signal) => {
    if (isAddress(host)) {
      const why = allowed.refusesAddress(host, port, host)
      if (why) throw new ProxyFailure(403, `${host} is ${why}, which is never reached`)
    }
    try {
      const socket = await connectTo(proxy.host, proxy.port, signal)
      // The handshake, too, has to be over in time.
      const stop = () => socket.destroy(signal.reason as Error)
      signal.addEventListener("abort", stop, { once: true })
      await SocksClient.createConnection({
        proxy: { ...proxy, type: 5 },
        command: "connect",
        destination: { host, port },
        existing_socket: socket,
      }).finally(() => signal.removeEventListener("abort", stop))
      return socket
    } catch (error) {
      signal.throwIfAborted()
      throw new ProxyFailure(502, `through SOCKS at ${proxy.host}:${proxy.port}: ${messageOf(error)}`)
    }
  }
}

/** Whatever dials, addresses written in full are checked here too. */
export function refuseDenied(host: string): void {
  const why = isAddress(host) ? deniedAddress(host) : null
  if (why) throw new ProxyFailure(403, `${host} is ${why}, which is never reached`)
}

export interface TlsOptions {
  /** Certificates to trust besides the system's, as text. */
  ca: string | null
  insecure: boolean
}

/** TLS over a connection that stands, for the name that was asked for. */
export function secured(
  raw: Duplex,
  { host }: Target,
  options: TlsOptions,
  signal: AbortSignal,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      socket: raw,
      ...(isAddress(host) ? { host } : { servername: host, host }),
      rejectUnauthorized: !options.insecure,
      ALPNProtocols: ["http/1.1"],
      ...(options.ca === null ? {} : { ca: [...tls.rootCertificates, options.ca] }),
    })
    const stop = () => socket.destroy(signal.reason as Error)
    signal.addEventListener("abort", stop, { once: true })
    const settle = () => signal.removeEventListener("abort", stop)
    socket.once("error", (error) => {
      settle()
      raw.destroy()
      reject(error)
    })
    socket.once("secureConnect", () => {
      settle()
      resolve(socket)
    })
  })
}

function connectTo(host: string, port: number, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = net.connect({ host, port, noDelay: true, keepAlive: true })
    const stop = () => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener("abort", stop, { once: true })
    const settle = () => signal.removeEventListener("abort", stop)
    socket.once("connect", () => {
      settle()
      resolve(socket)
    })
    socket.once("error", (error) => {
      settle()
      reject(error)
    })
  })
}

function isOurs(address: string): boolean {
  if (isLoopback(address)) return true
  return Object.values(networkInterfaces()).some((interfaces) =>
    interfaces?.some((one) => canonicalAddress(one.address) === address),
  )
}
