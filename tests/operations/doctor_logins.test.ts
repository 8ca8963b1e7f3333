import { expect, test } from "bun:test"
import type { Config } from "../../lib/base/config.ts"
import { listedLogins } from "../../lib/host/people/passwd.ts"
import { checkLogins } from "../../lib/operations/doctor/logins.ts"

const look = (listed: string[] | null, recorded: string[] = []) =>
  checkLogins({
    config: { course: { accounts: ["jd*", "JD*"], staff: ["prof"] } } as Config,
    listedLogins: () => listed,
    recordedLogins: () => recorded,
  }).map(({ level, what, found }) => `${level} ${what}: ${found}`)

test.each<[listed: string[] | null, recorded: string[], findings: string[]]>([
  [["root", "jdoe", "jd2", "prof"], [], ["ok logins: 3 of the course are listed, each fits AWS"]],
  [
    ["jd,x", "root$"],
    [],
    [
      'error login "jd,x": cannot be a name at AWS, which takes 2 to 32 letters, digits and _ + = . @ -, not beginning with -',
    ],
  ],
  [["jdoe", "JDoe"], [], ["error logins JDoe and jdoe: differ in case only: IAM takes both for one user"]],
  [["JDOE"], ["jdoe"], ["error logins JDOE and jdoe: differ in case only: IAM takes both for one user"]],
  [null, [], ["warning logins: getent passwd fails"]],
])("%j with %j recorded", (listed, recorded, findings) => expect(look(listed, recorded)).toEqual(findings))

test("the logins of this host are those that getent lists", () => {
  expect(listedLogins()).toContain("root")
  expect(listedLogins("/nonexistent")).toBeNull()
})
