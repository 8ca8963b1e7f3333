/** moto's server as a child process: one for a whole test process, since it takes a second to start; emptied between tests. */
import { existsSync } from "node:fs"
import { join } from "node:path"

export interface Moto {
  endpoint: string
  pid: number
  /** Forgets everything it holds. */
  reset(): Promise<void>
  stop(): Promise<void>
}

/** Checks that moto leaves out unless it is told. */
const validations = {
  MOTO_ENABLE_AMI_VALIDATION: "true",
  MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: "true",
  MOTO_ENABLE_KEYPAIR_VALIDATION: "true",
}

/** Starts a server on a free loopback port. It ends when this process does, however that ends. */
export async function startMoto(): Promise<Moto> {
  const child = Bun.spawn([pythonWithMoto(), join(import.meta.dir, "moto_server.py")], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, ...validations },
  })
  const port = await firstLine(child.stdout)
  if (port === "")
    throw new Error(
      "moto does not start: `npm test` installs it, or `pip install -r tests/emulator/requirements.txt`",
    )
  child.unref()
  const endpoint = `http://127.0.0.1:${port}`
  return {
    endpoint,
    pid: child.pid,
    reset: () => resetMoto(endpoint),
    async stop() {
      child.stdin.end()
      await child.exited
    },
  }
}

/** Makes the moto at this endpoint forget everything it holds. */
export async function resetMoto(endpoint: string): Promise<void> {
  const response = await fetch(`${endpoint}/moto-api/reset`, { method: "POST" })
  if (!response.ok) throw new Error(`moto does not reset: ${response.status}`)
}

/** The Python that tests/run/install_emulator.ts prepared, or in a developer's tree the one on PATH. */
export function pythonWithMoto(): string {
  const prepared = join(import.meta.dir, "..", "..", ".venv", "bin", "python")
  return existsSync(prepared) ? prepared : "python3"
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = ""
  const decoder = new TextDecoder()
  const reader = stream.getReader()
  while (!text.includes("\n")) {
    const { done, value } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  reader.releaseLock()
  return text.split("\n")[0] ?? ""
}
