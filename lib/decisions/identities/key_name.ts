/** Names of EC2 key pairs: `LOGIN-NAME`, so that an account's list shows whose each is. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"

export function defaultKeyName(login: string): string {
  return `${login}-default`
}

/** The private half's file is `NAME.pem`, and names of files in a home have at most 63 characters, `.old` included. */
const maxKeyName = 63 - ".pem.old".length

/**
 * The full name of what a user calls a key: foreign characters dropped, the prefix added where it is missing. The login stays whole,
 * also where it has characters that NAME may not have.
 */
export function keyNameOf(login: string, given: string): string {
  const isFull = isKeyNameOf(login, given)
  const kept = (isFull ? given.slice(login.length + 1) : given).replace(/[^-A-Za-z0-9_]/g, "")
  const name = !isFull && isKeyNameOf(login, kept) ? kept : `${login}-${kept}`
  if (kept === "" || name.length > maxKeyName) {
    throw new UsageError(
      "key name",
      `${quoted(given)} was given, wanted 1 to ${maxKeyName - login.length - 1} letters, digits, "-" and "_"`,
    )
  }
  return name
}

/** Whether a key pair belongs to `login` by its name: with the dash, or `cs61c-a` would own the keys of `cs61c-ab`. */
export function isKeyNameOf(login: string, name: string): boolean {
  return name.startsWith(`${login}-`) && name.length > login.length + 1
}
