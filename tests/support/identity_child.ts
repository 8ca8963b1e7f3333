/**
 * `--init` or `--rotate-secret` as a process of its own that kills itself (SIGKILL) before its Nth effect: a call to AWS, a
 * write to the database, a file in the home, a line of the audit log. Arguments: config, login, home, "init" or "rotate", N.
 */
import { join } from "node:path"
import { openAws } from "../../lib/aws/aws.ts"
import type { Iam } from "../../lib/aws/iam/interfaces.ts"
import type { Ec2 } from "../../lib/aws/interfaces.ts"
import { openUsersDb } from "../../lib/db/users_db.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { loadConfig } from "../../lib/host/config/config.ts"
import { auditLog } from "../../lib/host/files/audit.ts"
import { openHome } from "../../lib/host/home/home.ts"
import { convergeIdentity } from "../../lib/operations/identities/converge.ts"
import { settingsFor } from "./aws_settings.ts"

const [configPath = "", login = "", directory = "", command = "", fatal = ""] = process.argv.slice(2)
const effects =
  /^(add|put|remove|begin|end|setPassword|transaction|write|probe|record|create|delete|import|tagUser|addToGroup|putUser)/
let count = 0

/** The object with a kill before whichever of its effects has its turn. */
function mortal<T extends object>(object: T): T {
  return new Proxy(object, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value === "object" && value !== null) return mortal(value)
      if (typeof value !== "function" || !effects.test(String(name))) return value
      return (...given: unknown[]) => {
        if (count++ === Number(fatal)) process.kill(process.pid, "SIGKILL")
        return value.apply(target, given)
      }
    },
  })
}

const config = loadConfig(configPath)
const aws = openAws(() => settingsFor(config.aws.endpoint ?? ""))
const usersDb = openUsersDb({
  path: join(config.paths.dataDir, "users.db"),
  server: config.database,
  clock: systemClock,
})
await convergeIdentity(
  {
    config,
    clock: systemClock,
    interrupt: new AbortController().signal,
    audit: mortal(auditLog(config.paths.auditLog, systemClock)),
    usersDb: mortal(usersDb),
    aws: {
      ...aws,
      iam: async (): Promise<Iam> => mortal(await aws.iam()),
      ec2: async (region): Promise<Ec2> => mortal(await aws.ec2(region)),
    },
    home: mortal(openHome({ home: directory, writerFd: null })),
    login,
    actor: login,
    suspension: () => null,
    sessions: { end() {}, deny: async () => {} },
    progress: () => {},
  },
  { rotate: command === "rotate" },
)
console.log(count)
process.exit(0)
