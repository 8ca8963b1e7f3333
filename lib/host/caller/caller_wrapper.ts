/** Whether the setuid wrapper started this process, and proof that it was nobody else. */
import { lstatSync } from "node:fs"
import { isForWrapper } from "../../base/commands.ts"
import { Refused } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"

/** What native/setuid_wrap.c gives to everybody. A compiled Bun program obeys dozens of other variables. */
const constantEnvironment: Record<string, string> = {
  PATH: "/usr/bin:/bin",
  LANG: "C.UTF-8",
  HOME: "/nonexistent",
  DO_NOT_TRACK: "1",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
}

/** And what it tells about the caller and the command. */
const perRun = [
  "REAL_USERNAME",
  "REAL_UID",
  "REAL_GID",
  "REAL_HOME",
  "EC2_WRAPPERS_TOOL",
  "EC2_WRAPPERS_HOME_FD",
  "EC2_WRAPPERS_COMMAND",
]

/** The socket to the writer in the caller's home; null when the tool was run directly. */
export function writerSocket(): number | null {
  const fd = process.env.EC2_WRAPPERS_HOME_FD
  if (fd === undefined) return null
  if (!/^\d{1,4}$/.test(fd) || Number(fd) < 3) throw new Refused("caller", "the wrapper's socket is none")
  return Number(fd)
}

/**
 * Why `tool` must not go on behind the wrapper: the wrapper was compiled for another tool, or for one that no caller may reach through
 * it. Null where it may go on, and where nothing says that there is a wrapper.
 */
export function whyNotThisTool(tool: string): string | null {
  if (process.env.EC2_WRAPPERS_HOME_FD === undefined) return null
  const started = process.env.EC2_WRAPPERS_TOOL ?? ""
  if (started !== tool) return `its wrapper starts ${quoted(started)}, not this tool; run the installer again`
  return isForWrapper(tool) ? null : "runs with its caller's own rights, never behind a setuid wrapper"
}

/**
 * Throws Refused where the environment says "behind the wrapper" and anything else says otherwise: the uids, the owner of
 * the data directory, or a variable that the wrapper does not set. Whoever forges it has only their own rights in any
 * case; this keeps a half-right installation from working.
 */
export function requireWrapperIfClaimed(dataDir: string): void {
  if (writerSocket() === null) return
  const why = whyNotTheWrapper(dataDir)
  if (why !== null) throw new Refused("caller", `this is not the wrapper's doing: ${why}`)
}

function whyNotTheWrapper(dataDir: string): string | null {
  const uid = process.getuid?.()
  if (uid !== process.geteuid?.()) return "real and effective uid differ"
  const owner = lstatSync(dataDir, { throwIfNoEntry: false })?.uid
  if (owner === undefined) return `${dataDir} does not exist`
  if (owner !== uid) return `${dataDir} belongs to uid ${owner}, this runs as ${uid}`
  const expected = new Set([...Object.keys(constantEnvironment), ...perRun])
  const extra = Object.keys(process.env).find((name) => !expected.has(name))
  if (extra !== undefined) return "its environment has more than the wrapper sets"
  const wrong = Object.entries(constantEnvironment).find(([name, value]) => process.env[name] !== value)
  if (wrong) return `${wrong[0]} is not what the wrapper sets`
  const missing = perRun.find((name) => !process.env[name])
  return missing ? `${missing} is missing` : null
}
