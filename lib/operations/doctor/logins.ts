/** Are the course's logins such that AWS can tell them apart, and takes them as names? */
import type { Config } from "../../base/config.ts"
import { loginPattern, loginRule, matchesGlob, sameButForCase } from "../../base/login.ts"
import { quoted } from "../../base/text.ts"
import { type Finding, failing, ok, warning } from "./finding.ts"

export interface LoginDeps {
  config: Config
  /** As name services list them; null where they cannot be asked. */
  listedLogins(): string[] | null
  /** Logins that have an identity. */
  recordedLogins(): string[]
}

const what = "logins"

export function checkLogins({ config, listedLogins, recordedLogins }: LoginDeps): Finding[] {
  const listed = listedLogins()
  if (listed === null) return [warning(what, "getent passwd fails", "see nsswitch.conf")]
  const globs = [...config.course.accounts, ...config.course.staff]
  const own = listed.filter((login) => matchesGlob(globs, login))
  const all = [...new Set([...own, ...recordedLogins()])]
  const findings = [
    ...own
      .filter((login) => !loginPattern.test(login))
      .map((login) =>
        failing(
          `login ${quoted(login)}`,
          `cannot be a name at AWS, which takes ${loginRule}`,
          "rename it, or keep it out of [course] accounts and staff: every tool refuses it",
        ),
      ),
    ...all.flatMap((login) => {
      const other = sameButForCase(login, all)
      if (other === null || other < login) return []
      return [
        failing(
          `logins ${login} and ${other}`,
          "differ in case only: IAM takes both for one user",
          "rename one of them: whoever runs ec2-util --init second is refused",
        ),
      ]
    }),
  ]
  return findings.length > 0 ? findings : [ok(what, `${own.length} of the course are listed, each fits AWS`)]
}
