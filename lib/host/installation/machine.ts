/** What tells one installation from another: this machine, and the id that waits in the data directory for its ledger. */
import { createHash, randomUUID } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** A hash, since machine-id(5) wants the id itself told to nobody. "" where the machine has none. */
export function machineHash(path = "/etc/machine-id"): string {
  const id = textOf(path)
  return id === "" ? "" : createHash("sha256").update(`ec2-wrappers ${id}`).digest("hex").slice(0, 32)
}

/** The id that `setup` made before there was a ledger; null where there is none. */
export function waitingInstallationId(dataDir: string): string | null {
  return textOf(pathIn(dataDir)) || null
}

/** For a data directory without a ledger: the id that its ledger will have. */
export function makeWaitingInstallationId(dataDir: string): string {
  const waiting = waitingInstallationId(dataDir)
  if (waiting !== null) return waiting
  const id = randomUUID()
  try {
    // Of two at once, one makes it.
    writeFileSync(pathIn(dataDir), `${id}\n`, { mode: 0o600, flag: "wx" })
    return id
  } catch (error) {
    const other = waitingInstallationId(dataDir)
    if (other === null) throw error
    return other
  }
}

const pathIn = (dataDir: string) => join(dataDir, "installation-id")

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim()
  } catch {
    return ""
  }
}
