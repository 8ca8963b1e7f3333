/** User data: a boot script with its environment, gzipped. Treated as readable by everybody on the node and in the account. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { shellQuote } from "../ssh/shell_words.ts"

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html: before base64. */
export const maxUserDataBytes = 16 * 1024

/** How cloud-init knows what it runs: by the beginning of the text. */
const runnable = /^(#!|#cloud-|#include|#part-handler|## template: jinja|(content-type|mime-version):)/i

/**
 * A boot script as cloud-init can run it: without the byte order mark and the carriage returns of Windows' editors, which the
 * kernel would take for part of the interpreter's name. Throws UsageError where cloud-init would not run it.
 */
export function readScript(name: string, text: string): string {
  const script = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n")
  if (runnable.test(script)) return script
  const first = script.split("\n")[0] ?? ""
  throw new UsageError(
    "user data",
    `${name} begins with ${quoted(first)}, and cloud-init would not run it; begin a script with #!/bin/bash`,
  )
}

/** The script with every `%ENV%` replaced by `K='V' …`, as old scripts have it in `export %ENV%`. */
export function withEnvironment(script: string, env: Readonly<Record<string, string>>): string {
  for (const [name, value] of Object.entries(env)) refuseSecret(name, value)
  const words = Object.entries(env).map(([name, value]) => `${name}=${shellQuote(value)}`)
  return script.replaceAll("%ENV%", () => words.join(" "))
}

/** The gzipped script; throws UsageError where EC2 would refuse it. The same script always gives the same bytes. */
export function packUserData(name: string, script: string): Uint8Array<ArrayBuffer> {
  const packed = Bun.gzipSync(new TextEncoder().encode(script), { level: 9 })
  packed.fill(0, 4, 8) // the time in gzip's header: a repeated request must be the same
  if (packed.length > maxUserDataBytes) {
    throw new UsageError(
      "user data",
      `${name} has ${packed.length} bytes when gzipped, wanted at most ${maxUserDataBytes} (let it fetch the rest)`,
    )
  }
  return packed
}

const secretName =
  /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN)|.*(PASSWORD|PASSWD|SECRET|PRIVATE_KEY).*)$/i
const secretValues = [
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /secret_?(access_?)?key\W{1,4}[a-z0-9/+]{40}\b/i,
]
const holdsSecret = (text: string) => secretValues.some((pattern) => pattern.test(text))

function refuseSecret(name: string, value: string): void {
  if (!secretName.test(name) && !holdsSecret(value)) return
  throw new UsageError(
    "env",
    `${quoted(name)} is or holds a secret, and user data can be read by everything on the nodes (S3 works through iam_instance_profile)`,
  )
}

/** Throws where a script itself carries a secret: an access key id or a private key. */
export function refuseSecretScript(name: string, script: string): void {
  if (!holdsSecret(script)) return
  throw new UsageError(
    "user data",
    `${name} holds an access key or a private key, and user data is no secret`,
  )
}
