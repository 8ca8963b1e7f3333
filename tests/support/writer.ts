/** The writer of native/home_writer.c as a process of its own, with the socket that the wrapper would hand to a tool. */
import { dlopen, ptr } from "bun:ffi"
import { closeSync, mkdirSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dir, "..", "..")
const AF_UNIX = 1
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const SO_SNDTIMEO = 21

let program: string | undefined

function compiledWriter(): string {
  if (program) return program
  mkdirSync(join(root, ".cache"), { recursive: true })
  program = join(root, ".cache", "serve_home")
  const sources = ["tests/native/serve_home.c", "native/home_writer.c"].map((path) => join(root, path))
  const built = Bun.spawnSync(["cc", "-Wall", "-Wextra", "-Werror", "-o", program, ...sources])
  if (!built.success) throw new Error(String(built.stderr))
  return program
}

/** Starts a writer for `home`; `socket` times out after `timeoutSeconds`, as the wrapper sets it to. */
export function startWriter(home: string, timeoutSeconds = 5) {
  const libc = dlopen("libc.so.6", {
    socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  }).symbols
  const ends = new Int32Array(2)
  const timeout = new BigInt64Array([BigInt(timeoutSeconds), 0n])
  if (libc.socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, ptr(ends)) !== 0) throw new Error("socketpair failed")
  const [socket = -1, writerEnd = -1] = ends
  for (const option of [SO_RCVTIMEO, SO_SNDTIMEO]) {
    libc.setsockopt(socket, SOL_SOCKET, option, ptr(timeout), timeout.byteLength)
  }
  const child = Bun.spawn([compiledWriter(), home], { stdio: ["ignore", "inherit", "inherit", writerEnd] })
  closeSync(writerEnd)
  return { socket, child }
}
