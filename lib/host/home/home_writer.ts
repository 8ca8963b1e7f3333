/**
 * Files in the caller's home through the writer that the wrapper forked, over its socket. The format stands in
 * native/home_writer.c. The caller can kill, stop or replace the writer: its answers are taken for what they are, bytes of the caller's.
 */
import { readSync, writeSync } from "node:fs"
import { join } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"
import { type HomePath, type HomeStore, maxHomeFileBytes, notPlain } from "./home_store.ts"

const headerBytes = 8
/** For one request and its answer: a writer that its owner stops now and then must not stretch them. */
const exchangeMs = 10_000
const nothing = new Uint8Array(0)

interface Request extends HomePath {
  operation: "P" | "R" | "W" | "K" | "M"
  /** For the error: what was tried. */
  action: string
  content?: Uint8Array
}

interface Answer {
  /** What failed: the home, the subdirectory or the file. */
  where: string
  errno: number
  content: Uint8Array
}

export function homeBehindWriter(socket: number, home: string, deadlineMs = exchangeMs): HomeStore {
  let lost: string | null = null // a half exchange leaves the socket between two messages

  function ask(request: Request): Answer {
    const path = join(home, request.subdirectory, request.name)
    const deadline = performance.now() + deadlineMs
    try {
      if (lost !== null) throw new Error(lost)
      sendAll(socket, encode(request), deadline)
      return receiveAnswer(socket, deadline)
    } catch (error) {
      lost = messageOf(error)
      throw new Failed(`${request.action} ${path}`, `no help from the writer in your home: ${lost}`)
    }
  }

  function demand(request: Request): void {
    const answer = ask(request)
    if (answer.errno !== 0) throw failure(home, request, answer)
  }

  return {
    probe: () => demand({ action: "write into", operation: "P", subdirectory: "", name: "probe" }),
    read(path) {
      const request = { action: "read", operation: "R", ...path } as const
      const answer = ask(request)
      if (answer.errno === 0) return answer.content
      if (errorName(answer.errno) === "ENOENT" && answer.where !== "H") return null
      throw failure(home, request, answer)
    },
    retire: (path) => demand({ action: "move", operation: "M", ...path }),
    write: ({ keepOld, ...file }) => demand({ action: "write", operation: keepOld ? "K" : "W", ...file }),
  }
}

function encode({ operation, subdirectory, name, content = nothing }: Request): Uint8Array {
  const header = Buffer.alloc(headerBytes)
  header.write(operation, 0, "latin1")
  header.writeUInt8(subdirectory.length, 1)
  header.writeUInt8(name.length, 2)
  header.writeUInt32BE(content.length, 4)
  return Buffer.concat([header, Buffer.from(subdirectory + name, "latin1"), content])
}

function receiveAnswer(socket: number, deadline: number): Answer {
  const header = receiveAll(socket, headerBytes, deadline)
  const where = header.toString("latin1", 0, 1)
  const errno = header.readUInt16BE(2)
  const length = header.readUInt32BE(4)
  if (!"\0HDF".includes(where) || (where === "\0") !== (errno === 0) || length > maxHomeFileBytes) {
    throw new Error("it answers nonsense")
  }
  return { where, errno, content: receiveAll(socket, length, deadline) }
}

function sendAll(socket: number, bytes: Uint8Array, deadline: number): void {
  for (let left = bytes; left.length > 0; ) {
    left = left.subarray(until(deadline, () => writeSync(socket, left)))
  }
}

function receiveAll(socket: number, length: number, deadline: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let done = 0; done < length; ) {
    const got = until(deadline, () => readSync(socket, bytes, done, length - done, null))
    if (got === 0) throw new Error("it is gone")
    done += got
  }
  return bytes
}

/** Tries again and again: the wrapper gave the socket a short timeout, which shows as EAGAIN. */
function until(deadline: number, attempt: () => number): number {
  while (performance.now() < deadline) {
    try {
      return attempt()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === "EPIPE" || code === "ECONNRESET") throw new Error("it is gone")
      if (code !== "EAGAIN") throw error
    }
  }
  throw new Error("it does not answer, is it stopped?")
}

function failure(home: string, request: Request, { where, errno }: Answer): Failed {
  const path = join(home, request.subdirectory, request.name)
  const what = { H: `${home}: `, D: `${join(home, request.subdirectory)}: ` }[where] ?? ""
  return new Failed(`${request.action} ${path}`, `${what}${hintOf(where, errno) ?? errorText(errno)}`)
}

function hintOf(where: string, errno: number): string | undefined {
  const name = errorName(errno)
  if (where !== "F" && name === "EPERM") return "belongs to somebody else"
  // O_NOFOLLOW with O_DIRECTORY calls a link no directory.
  if (where === "D" && name === "ENOTDIR") return notPlain.directory
  if (name === "ELOOP") return notPlain.link
  if (where === "F" && (name === "EINVAL" || name === "ENXIO")) return notPlain.special
  return undefined
}

function errorName(errno: number): string {
  return systemError(errno)?.[0] ?? `error ${errno}`
}

function errorText(errno: number): string {
  const [name, text] = systemError(errno) ?? [`error ${errno}`, ""]
  return text === "" ? name : `${text} (${name})`
}

const missingInBun: Record<number, [string, string]> = {
  116: ["ESTALE", "stale file handle"],
  122: ["EDQUOT", "disk quota exceeded"],
}

// Loaded only where something failed.
function systemError(errno: number): [string, string] | undefined {
  const { getSystemErrorMap } = require("node:util") as typeof import("node:util")
  return missingInBun[errno] ?? getSystemErrorMap().get(-errno)
}
