/** Whether something at an address speaks ssh. */
import { connect } from "node:net"

const patienceMs = 5_000

/** Connects to port 22 and waits for the line that a server begins with (RFC 4253, 4.2). Never throws. */
export function greetsAsSsh(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22, timeout: patienceMs })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once("data", (bytes) => end(bytes.toString("latin1").startsWith("SSH-")))
    socket.once("timeout", () => end(false))
    socket.once("error", () => end(false))
    socket.once("close", () => end(false))
  })
}
