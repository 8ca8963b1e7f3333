/** Console passwords: made by us, or checked before IAM is asked. */

/** The account's rules, as IAM states them; AWS's own hold where there are none. */
export interface PasswordRules {
  minimumLength: number
  requireSymbols: boolean
  requireNumbers: boolean
  requireUppercase: boolean
  requireLowercase: boolean
}

const awsMinimumLength = 8
/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateLoginProfile.html */
const awsMaximumLength = 128
/** Some 118 bits with the alphabet below, if no rule asks for more. */
const usualLength = 20

/** Without what is mistaken for another character on paper; the symbols need no quoting in a shell. */
const lowercase = "abcdefghijkmnopqrstuvwxyz"
const uppercase = "ABCDEFGHJKLMNPQRSTUVWXYZ"
const digits = "23456789"
const symbols = "-_=+@%^"
const alphabet = lowercase + uppercase + digits + symbols

/** A source of bytes that nobody can predict. */
export type RandomBytes = (count: number) => Uint8Array

/** A password with a character of each kind, so that every account's rules are met, whatever they are. */
export function makePassword(rules: PasswordRules | null, random: RandomBytes): string {
  const length = Math.min(awsMaximumLength, Math.max(usualLength, rules?.minimumLength ?? 0))
  const characters = [lowercase, uppercase, digits, symbols].map((kind) => pick(kind, random))
  while (characters.length < length) characters.push(pick(alphabet, random))
  return shuffled(characters, random).join("")
}

/** What is wrong with a password that a person chose, in one line; null where the rules are met. */
export function passwordFault(rules: PasswordRules | null, password: string): string | null {
  const least = Math.max(rules?.minimumLength ?? awsMinimumLength, 1)
  if (password.length < least) return `it has ${password.length} characters, wanted at least ${least}`
  if (password.length > awsMaximumLength) return `it is longer than ${awsMaximumLength} characters`
  if (!/^[\u0020-\u007e\u00a1-\u00ff]*$/.test(password)) return "it has characters that IAM does not take"
  const missing = [
    rules?.requireLowercase && !/[a-z]/.test(password) && "a lower-case letter",
    rules?.requireUppercase && !/[A-Z]/.test(password) && "an upper-case letter",
    rules?.requireNumbers && !/[0-9]/.test(password) && "a digit",
    rules?.requireSymbols && !/[-!@#$%^&*()_+=[\]{}|']/.test(password) && "a symbol",
  ].filter((what) => typeof what === "string")
  return missing.length > 0 ? `it lacks ${missing.join(" and ")}` : null
}

function pick(characters: string, random: RandomBytes): string {
  return characters.charAt(below(characters.length, random))
}

/** Fisher and Yates. */
function shuffled(items: string[], random: RandomBytes): string[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = below(last + 1, random)
    ;[result[last], result[other]] = [result[other] ?? "", result[last] ?? ""]
  }
  return result
}

/** A number from 0 to `limit` - 1, each equally likely: bytes that would favour some are drawn again. */
function below(limit: number, random: RandomBytes): number {
  const fair = 256 - (256 % limit)
  for (;;) {
    const [byte = 255] = random(1)
    if (byte < fair) return byte % limit
  }
}
