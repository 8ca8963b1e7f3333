/** Other programs as children: lists of words, never a shell. */
import { spawn } from "node:child_process"
import { constants } from "node:os"
import { Duplex } from "node:stream"
import { Failed, messageOf } from "../../base/errors.ts"

export interface Finished {
  /** As a shell gives it: 128 and the signal's number where a signal ended it. */
  code: number
  stdout: string
  stderr: string
}

export interface Background {
  pid: number
  /** Null while it runs. */
  code(): number | null
  exited: Promise<number>
  end(): void
}

export interface Programs {
  /**
   * Runs to its end; whatever it prints is collected. `timeoutMs` ends it with code 124. `apart`: in a session of its own, where
   * the terminal's Ctrl-C does not reach it. `started` hears its process id.
   */
  run(
    argv: readonly string[],
    options?: {
      stdin?: string
      timeoutMs?: number
      apart?: boolean
      started?: (pid: number) => void
      /** Hears each line as it is printed, without its end. */
      onLine?: (line: string, stream: "stdout" | "stderr") => void
    },
  ): Promise<Finished>
  /** Runs with our own stdin, stdout and stderr, as if called by the person; returns its code. */
  runAttached(argv: readonly string[]): Promise<number>
  /** Starts it in a session of its own, to outlive us; its stderr goes to a file. */
  startDetached(argv: readonly string[], stderrPath: string): Background
  /** Its stdin and stdout as one stream, which takes it along when it is destroyed. */
  openStream(argv: readonly string[]): Duplex
}

const timedOut = 124

export const systemPrograms: Programs = {
  async run(argv, { stdin, timeoutMs, apart = false, started, onLine } = {}) {
    const child = spawned(argv, () =>
      Bun.spawn([...argv], {
        stdin: stdin === undefined ? "ignore" : new TextEncoder().encode(stdin),
        stdout: "pipe",
        stderr: "pipe",
        detached: apart,
        ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: "SIGTERM" as const }),
      }),
    )
    started?.(child.pid)
    const [stdout, stderr] = await Promise.all([
      textOf(child.stdout, onLine && ((line) => onLine(line, "stdout"))),
      textOf(child.stderr, onLine && ((line) => onLine(line, "stderr"))),
    ])
    await child.exited
    const code = child.signalCode === "SIGTERM" && timeoutMs !== undefined ? timedOut : codeOf(child)
    return { code, stdout, stderr }
  },

  async runAttached(argv) {
    const child = spawned(argv, () =>
      Bun.spawn([...argv], { stdin: "inherit", stdout: "inherit", stderr: "inherit" }),
    )
    await child.exited
    return codeOf(child)
  },

  startDetached(argv, stderrPath) {
    const child = spawned(argv, () =>
      Bun.spawn([...argv], {
        stdin: "ignore",
        stdout: "ignore",
        stderr: Bun.file(stderrPath),
        detached: true,
      }),
    )
    child.unref()
    return {
      pid: child.pid,
      code: () => (child.exitCode === null && child.signalCode === null ? null : codeOf(child)),
      exited: child.exited,
      end: () => child.kill(),
    }
  },

  openStream([program = "", ...words]) {
    const child = spawned([program], () => spawn(program, words, { stdio: ["pipe", "pipe", "ignore"] }))
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin } as never)
    child.once("error", (error) => stream.destroy(error))
    stream.once("close", () => child.kill())
    return stream
  },
}

async function textOf(
  stream: ReadableStream<Uint8Array>,
  onLine: ((line: string) => void) | undefined,
): Promise<string> {
  if (!onLine) return new Response(stream).text()
  const decoder = new TextDecoder()
  let text = ""
  let begun = ""
  for await (const chunk of stream) {
    const part = decoder.decode(chunk, { stream: true })
    text += part
    const lines = (begun + part).split("\n")
    begun = lines.pop() ?? ""
    for (const line of lines) onLine(line)
  }
  if (begun !== "") onLine(begun)
  return text
}

function spawned<T>(argv: readonly string[], spawn: () => T): T {
  try {
    return spawn()
  } catch (error) {
    throw new Failed(`start ${argv[0]}`, messageOf(error), { cause: error })
  }
}

function codeOf(child: { exitCode: number | null; signalCode: NodeJS.Signals | number | null }): number {
  if (child.signalCode === null) return child.exitCode ?? 1
  if (typeof child.signalCode === "number") return 128 + child.signalCode
  return 128 + (constants.signals[child.signalCode] ?? 0)
}
