/** Which private key ssh is to use, found out before nodes are paid that nobody could log in to. */
import { statSync } from "node:fs"
import { join } from "node:path"
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import type { ClusterSettings } from "../../decisions/clusters/settings.ts"
import type { ClusterDeps } from "./deps.ts"
import { givenPath, readText } from "./files.ts"

/** The file that ec2-util writes of a key pair. */
export function keyFile({ home }: ClusterDeps, keyName: string): string {
  return join(home, `${keyName}.pem`)
}

/**
 * The settings with the private key's absolute path. Null where none is named and there is no `~/KEY.pem`, or where `~/KEY.pem` is
 * named and does not exist: `ec2-util --import-ssh-key` writes none, so ssh then offers its own keys. Throws UsageError where
 * another file that is named cannot be used.
 */
export function withUsableKey(deps: ClusterDeps, settings: ClusterSettings): ClusterSettings {
  const written = keyFile(deps, settings.keyName)
  const path = settings.privateKey === null ? written : givenPath(deps, settings.privateKey)
  const text = readText(path)
  if (text === null && path === written) {
    return {
      ...settings,
      privateKey: null,
      sshOptions: withoutIdentity(settings.sshOptions, settings.privateKey),
    }
  }
  if (text === null) throw new UsageError("private_key", `${quoted(path)} does not exist`)
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(text)) {
    throw new UsageError("private_key", `${quoted(path)} holds no private key in a form that ssh reads`)
  }
  const { mode, uid } = statSync(path)
  if (uid === process.getuid?.() && (mode & 0o077) !== 0) {
    throw new UsageError(
      "private_key",
      `${quoted(path)} can be read by others, and ssh would not use it; run chmod 600 on it`,
    )
  }
  return {
    ...settings,
    privateKey: path,
    sshOptions: withoutIdentity(settings.sshOptions, settings.privateKey),
  }
}

/** Without `-i KEY`: our own `-i` names the key, as a file that exists. */
function withoutIdentity(words: readonly string[], key: string | null): string[] {
  const at = key === null ? -1 : words.findIndex((word, index) => word === "-i" && words[index + 1] === key)
  return at < 0 ? [...words] : words.toSpliced(at, 2)
}
