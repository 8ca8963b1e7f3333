/** Standard input and output, connected with a port: what ssh's ProxyCommand does. */
import { connect } from "node:net"
import { Failed, messageOf } from "../../base/errors.ts"

/** Returns once either side has closed, or it is interrupted; throws Failed where it cannot be reached. */
export function relayStdio(address: string, interrupt: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: 22 })
    socket.once("error", (error) => reject(new Failed(`connect to ${address}`, messageOf(error))))
    socket.once("close", () => resolve())
    socket.once("connect", () => {
      process.stdin.pipe(socket)
      socket.pipe(process.stdout)
    })
    interrupt.addEventListener("abort", () => socket.destroy())
    // The reader has gone away.
    process.stdout.on("error", () => socket.destroy())
  })
}
