/** Reaching somebody on this machine: local mail, and a line on the terminals where they are logged in. */
import { existsSync } from "node:fs"
import { loginPattern } from "../../base/login.ts"
import { escapeControls } from "../../base/text.ts"
import { runWithInput } from "../processes/run_with_input.ts"

export interface Notifier {
  /** Each way as far as it works; returns the ways that did. Never throws. */
  tell(login: string, subject: string, text: string): Promise<string[]>
}

/** Absolute, since cron's PATH is nobody's business. */
const system = {
  sendmail: ["/usr/sbin/sendmail", "/usr/lib/sendmail"],
  write: ["/usr/bin/write", "/bin/write"],
  patienceMs: 5_000,
}

/** A way that hung for so many recipients hangs for all of them. */
const mostHanging = 3

/**
 * A way that hangs is not tried again for that recipient, whose terminal alone may be what hangs; after three recipients it is tried
 * for nobody: enforcement has more to do than to wait for a dead mailer.
 */
export function notifier(
  ways: { sendmail: string[]; write: string[]; patienceMs: number } = system,
): Notifier {
  const { sendmail, write, patienceMs } = ways
  const hanging = { mail: new Set<string>(), write: new Set<string>() }
  return {
    async tell(login, subject, text) {
      // it becomes an argument and an address
      if (!loginPattern.test(login)) return []
      const line = escapeControls(text)
      const mail = `To: ${mailAddress(login)}\nSubject: ${escapeControls(subject)}\nAuto-Submitted: auto-generated\n\n${line}\n`
      const tried: [way: "mail" | "write", argv: string[] | null, stdin: string][] = [
        ["mail", commandOf(sendmail, ["-i", "--", login]), mail],
        // somebody who is not logged in cannot be written to: no failure of ours
        ["write", commandOf(write, [login]), `${line}\n`],
      ]
      const worked: string[] = []
      for (const [way, argv, stdin] of tried) {
        if (!argv || hanging[way].has(login) || hanging[way].size >= mostHanging) continue
        const taken = await runWithInput(argv, stdin, patienceMs)
        if (taken === null) hanging[way].add(login)
        if (taken) worked.push(way)
      }
      return worked
    },
  }
}

/** As RFC 5322 has it: dots stand between other characters, or the name in quotes. */
function mailAddress(login: string): string {
  const [name = "", ...domain] = login.split("@")
  const isPlain =
    domain.length <= 1 && [name, ...domain].every((part) => /^[\w+=-]+(\.[\w+=-]+)*$/.test(part))
  return isPlain ? login : `"${login}"`
}

function commandOf(places: string[], rest: string[]): string[] | null {
  const path = places.find((place) => existsSync(place))
  return path === undefined ? null : [path, ...rest]
}
