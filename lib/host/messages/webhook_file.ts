/** The file of webhooks: their addresses are secrets, which a config that everybody reads must not hold. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs"
import { Failed } from "../../base/errors.ts"
import { type WebhookKind, webhookKinds } from "../../decisions/messages/payloads.ts"

export interface Webhook {
  /** What logs and errors call it. */
  name: string
  kind: WebhookKind
  url: URL
}

const namePattern = /^[A-Za-z0-9_-]{1,32}$/
const mostBytes = 1 << 16

/**
 * A line for each: `NAME KIND URL`; `#` begins a comment. None where there is no file. Throws Failed, without any address, where it is
 * not the account's own with mode 0400, or a line is wrong.
 */
export function readWebhooks(path: string): Webhook[] {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT") return []
    throw new Failed(`webhooks ${path}`, code === "ELOOP" ? "is a link" : `cannot be read (${code})`)
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || stats.size > mostBytes)
      throw new Failed(`webhooks ${path}`, "is not a file of at most 64 KiB")
    if (stats.uid !== process.geteuid?.())
      throw new Failed(`webhooks ${path}`, `is owned by uid ${stats.uid}, not by this account`)
    const mode = stats.mode & 0o7777
    if (mode !== 0o400)
      throw new Failed(`webhooks ${path}`, `has mode 0${mode.toString(8)}, wanted 0400: chmod 0400 ${path}`)
    return webhooksIn(readFileSync(fd, "utf8"), path)
  } finally {
    closeSync(fd)
  }
}

function webhooksIn(text: string, path: string): Webhook[] {
  const found: Webhook[] = []
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim()
    if (line === "" || line.startsWith("#")) continue
    const wrong = (what: string) => new Failed(`webhooks ${path}`, `line ${index + 1} ${what}`)
    const [name = "", kindName = "", address = "", ...more] = line.split(/\s+/)
    const kind = webhookKinds.find((known) => known === kindName)
    if (more.length > 0 || address === "") throw wrong("wants NAME KIND URL")
    if (!namePattern.test(name)) throw wrong("has a name that is not 1 to 32 letters, digits, - and _")
    if (!kind) throw wrong(`has none of the kinds ${webhookKinds.join(", ")}`)
    if (!URL.canParse(address) || !address.startsWith("https://")) throw wrong("has no https:// address")
    if (found.some((other) => other.name === name)) throw wrong(`names ${name} a second time`)
    found.push({ name, kind, url: new URL(address) })
  }
  return found
}
