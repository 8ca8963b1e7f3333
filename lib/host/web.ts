/** Two questions that need no AWS: the text at an address, and what address this host has out there. */
import { connect } from "node:net"
import { Failed, messageOf } from "../base/errors.ts"

const deadlineMs = 20_000
const maxBytes = 1 << 20
const whatIsMyAddress = "https://checkip.amazonaws.com/"

/** The text at an http: or https: address, at most 1 MiB. */
export async function fetchText(url: string, patienceMs = deadlineMs): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    const text = await response.text()
    if (text.length > maxBytes) throw new Error(`is larger than ${maxBytes} bytes`)
    return text
  } catch (error) {
    throw new Failed(`fetch ${url}`, messageOf(error), { cause: error })
  }
}

/** This host's IPv4 address as AWS sees it; towards an emulator, the one it is reached from. */
export async function clientAddress(endpoint: string | null, patienceMs = deadlineMs): Promise<string> {
  try {
    const address =
      endpoint === null ? (await fetchText(whatIsMyAddress, patienceMs)).trim() : await localAddress(endpoint)
    if (/^\d+(\.\d+){3}$/.test(address)) return address
    throw new Error(`${JSON.stringify(address)} is no IPv4 address`)
  } catch (error) {
    throw new Failed("client address", `${messageOf(error)} (--client-cidr names it)`, { cause: error })
  }
}

function localAddress(endpoint: string): Promise<string> {
  const { hostname, port, protocol } = new URL(endpoint)
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname,
      port: Number(port) || (protocol === "https:" ? 443 : 80),
      family: 4,
      timeout: deadlineMs,
    })
    socket.once("connect", () => {
      resolve(socket.localAddress ?? "")
      socket.destroy()
    })
    socket.once("timeout", () => socket.destroy(new Error("no answer")))
    socket.once("error", reject)
  })
}
