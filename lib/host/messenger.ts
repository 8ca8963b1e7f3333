/** Reaching somebody on this machine: local mail, and a line on the terminals where they are logged in. */
import { existsSync } from "node:fs"
import { loginPattern } from "../base/login.ts"
import { escapeControls } from "../base/text.ts"
import type { Programs } from "./programs.ts"

export interface Messenger {
  /** Each way as far as it works; returns the ways that did. */
  tell(login: string, subject: string, text: string): Promise<string[]>
}

/** Absolute, since cron's PATH is nobody's business. */
const sendmail = ["/usr/sbin/sendmail", "/usr/lib/sendmail"]
const write = ["/usr/bin/write", "/bin/write"]
const patienceMs = 10_000

export function messenger(programs: Programs, exists: (path: string) => boolean = existsSync): Messenger {
  return {
    async tell(login, subject, text) {
      // it becomes an argument and an address
      if (!loginPattern.test(login)) return []
      const line = escapeControls(text)
      const mail = `To: ${login}\nSubject: ${escapeControls(subject)}\nAuto-Submitted: auto-generated\n\n${line}\n`
      const ways: [way: string, argv: string[] | null, stdin: string][] = [
        ["mail", commandOf(sendmail, ["-i", "--", login]), mail],
        ["write", commandOf(write, [login]), `${line}\n`],
      ]
      const worked: string[] = []
      for (const [way, argv, stdin] of ways) {
        if (argv && (await succeeds(argv, stdin))) worked.push(way)
      }
      return worked
    },
  }

  function commandOf(places: string[], rest: string[]): string[] | null {
    const path = places.find(exists)
    return path === undefined ? null : [path, ...rest]
  }

  /** Somebody who is not logged in cannot be written to: no failure of ours. */
  async function succeeds(argv: string[], stdin: string): Promise<boolean> {
    try {
      return (await programs.run(argv, { stdin, timeoutMs: patienceMs })).code === 0
    } catch {
      return false
    }
  }
}
