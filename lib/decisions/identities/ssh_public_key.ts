/** SSH public keys, as `ssh-keygen` writes them: RFC 4253 (6.6) and RFC 8709. */
import { UsageError } from "../../base/errors.ts"

/** More than any RSA key that EC2 takes needs; what is longer is no public key. */
export const maxPublicKeyBytes = 8 * 1024

const minRsaBits = 2048
const maxRsaBits = 16_384

const base64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/

/**
 * The key as `TYPE BASE64`, its comment left out; blank lines and those that begin with # are skipped. Throws UsageError where EC2 would refuse it, and on a private key.
 */
export function parsePublicKey(given: string): string {
  const refuse = (reason: string) => new UsageError("import ssh key", reason)
  const lines = given.split(/\r?\n/).map((line) => line.trim())
  const [text = "", ...others] = lines.filter((line) => line !== "" && !line.startsWith("#"))
  if (/PRIVATE KEY/.test(given)) {
    throw refuse("stdin has a private key, wanted the public one (the file that ends in .pub)")
  }
  if (/^-+ *BEGIN SSH2 PUBLIC KEY/.test(text))
    throw refuse(
      "the key is in the form of RFC 4716; convert it: ssh-keygen -i -f FILE | ec2-util --import-ssh-key",
    )
  if (text === "") throw refuse("wanted one line on stdin: a public key")
  if (others.length > 0)
    throw refuse(
      `stdin has ${others.length + 1} keys, wanted one; import each by itself, with --key-name NAME`,
    )
  const [type = "", encoded = ""] = text.split(/\s+/)
  if (type !== "ssh-ed25519" && type !== "ssh-rsa") {
    throw refuse(`the key's type is ${JSON.stringify(type.slice(0, 40))}, wanted ssh-ed25519 or ssh-rsa`)
  }
  const fields = base64.test(encoded) ? fieldsOf(encoded) : null
  if (!fields || new TextDecoder().decode(fields[0]) !== type) {
    throw refuse("the key is damaged: copy the whole line of the .pub file")
  }
  if (type === "ssh-ed25519" && (fields.length !== 2 || fields[1]?.length !== 32)) {
    throw refuse("the ed25519 key is damaged: copy the whole line of the .pub file")
  }
  if (type === "ssh-rsa") {
    const bits = fields.length === 3 ? bitsOf(fields[2] ?? new Uint8Array()) : 0
    if (bits < minRsaBits || bits > maxRsaBits) {
      throw refuse(
        `the RSA key has ${bits} bits, wanted ${minRsaBits} to ${maxRsaBits}; better an ed25519 key`,
      )
    }
  }
  return `${type} ${encoded}`
}

/** Strings of a length each, to the very end; null where they do not add up. */
function fieldsOf(encoded: string): Uint8Array[] | null {
  const bytes = Uint8Array.fromBase64(encoded)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fields: Uint8Array[] = []
  let at = 0
  while (at + 4 <= bytes.length) {
    const length = view.getUint32(at)
    if (length > bytes.length - at - 4) return null
    fields.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return at === bytes.length ? fields : null
}

function bitsOf(integer: Uint8Array): number {
  const first = integer.findIndex((byte) => byte !== 0)
  if (first < 0) return 0
  return (integer.length - first - 1) * 8 + (32 - Math.clz32(integer[first] ?? 0))
}
