/** What a user types, or pipes in. */
import { isatty } from "node:tty"
import { UsageError } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import { maxPublicKeyBytes, parsePublicKey } from "../../decisions/identities/ssh_public_key.ts"
import { lineInput } from "../../host/people/line_input.ts"

interface Deps {
  clock: Clock
  interrupt: AbortSignal
}

/** No password of IAM's is longer than 128 characters. */
const maxPasswordBytes = 512

/** Asks twice, as `prompt` says on the terminal; throws UsageError where the answers differ. */
export async function askPassword(deps: Deps, prompt: (text: string) => void): Promise<string> {
  const input = lineInput(deps)
  const ask = (text: string) => input.next({ mostBytes: maxPasswordBytes, secret: () => prompt(text) })
  const first = await ask("New AWS profile password:")
  const second = await ask("The same again:")
  if (!first) throw new UsageError("set password", "none was given on stdin")
  if (first !== second) throw new UsageError("set password", "the two passwords are not the same")
  return first
}

/** The one key of a `.pub` file, checked. At a terminal the first line that may be one ends the input. */
export async function askPublicKey(deps: Deps): Promise<string> {
  const input = lineInput(deps)
  const lines: string[] = []
  for (let bytes = 0; bytes <= maxPublicKeyBytes; ) {
    const line = await input.next({ mostBytes: maxPublicKeyBytes })
    if (line === null) break
    lines.push(line)
    bytes += line.length + 1
    if (isatty(0) && !/^\s*(#|$)/.test(line)) break
  }
  return parsePublicKey(lines.join("\n"))
}
