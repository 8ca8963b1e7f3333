/**
 * Standard output and standard error as operations see them: results on the one, everything else on the other. Writing
 * never throws: a reader that went away (`| head`) is no failure of what was done before.
 *
 * Written with write(2) rather than through process.stdout: opening Bun's stream costs 8 ms, thrice a whole `--help`.
 */
import { writeSync } from "node:fs"

export interface Output {
  /** A line of the result, on stdout. */
  line(text?: string): void
  /** A JSON value, on stdout, as one line. */
  json(value: unknown): void
  /** A line for the person, on stderr: progress, warnings, prompts. */
  note(text: string): void
  /** The same, after the command's name: errors and warnings. */
  warn(text: string): void
  /** A line on stderr that the next one replaces, when stderr is a terminal; elsewhere printed when it changes. */
  progress(text: string): void
  /** Whether a person is looking at stderr. */
  readonly interactive: boolean
  /** Whether stdout is a terminal, not a pipe or a file. */
  readonly onTerminal: boolean
  /** The width of the terminal that stdout is, 80 where it is a pipe or a file. */
  readonly columns: number
}

export interface ProcessOutput extends Output {
  /** Hands all lines to the kernel; returns the error that lost some, other than a reader that went away. */
  flush(): NodeJS.ErrnoException | null
  /** The same for lines that somebody has to read: a reader that went away is an error, too. */
  handOver(): NodeJS.ErrnoException | null
}

const flushAtBytes = 64 * 1024
/** What a terminal of the usual size shows. */
const pipeColumns = 80

/** This process's own descriptors 1 and 2. `command` is the name that the person typed. */
export function processOutput(command: string): ProcessOutput {
  let pending = ""
  let lost: NodeJS.ErrnoException | null = null
  let shown = ""
  let terminal: boolean | undefined
  const isTerminal = () => {
    terminal ??= (require("node:tty") as typeof import("node:tty")).isatty(2)
    return terminal
  }
  const handOver = () => {
    const text = pending
    pending = ""
    return text === "" ? null : writeAll(1, text)
  }
  const flush = () => {
    const error = handOver()
    // Nobody is there to miss anything.
    if (error?.code !== "EPIPE") lost ??= error
    return lost
  }
  const toStderr = (text: string) => {
    flush()
    writeAll(2, text)
  }
  const clear = () => {
    if (shown !== "" && isTerminal()) toStderr("\r\u001b[K")
    shown = ""
  }
  const note = (text: string) => {
    clear()
    toStderr(`${text}\n`)
  }
  const toStdout = (text: string) => {
    clear()
    pending += text
    if (pending.length >= flushAtBytes) flush()
  }
  return {
    get columns() {
      const tty = require("node:tty") as typeof import("node:tty")
      return tty.isatty(1) ? process.stdout.columns || pipeColumns : pipeColumns
    },
    get onTerminal() {
      return (require("node:tty") as typeof import("node:tty")).isatty(1)
    },
    get interactive() {
      return isTerminal()
    },
    flush,
    handOver,
    line: (text = "") => toStdout(`${text}\n`),
    json: (value) => toStdout(`${JSON.stringify(value)}\n`),
    note,
    warn: (text) => note(`${command}: ${text}`),
    progress(text) {
      if (text === shown) return
      clear()
      toStderr(isTerminal() ? text : `${text}\n`)
      shown = text
    },
  }
}

/** Writes all of `text`; an error ends it and is returned. */
function writeAll(fd: number, text: string): NodeJS.ErrnoException | null {
  let bytes = new TextEncoder().encode(text)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== "EAGAIN") return error as NodeJS.ErrnoException
      Bun.sleepSync(2) // somebody made the pipe non-blocking; its reader is slow
    }
  }
  return null
}
