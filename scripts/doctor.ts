import { resolve } from "node:path"
import { ExitCode } from "../lib/base/errors.ts"
import { escapeControls } from "../lib/base/text.ts"
import { defineTool, main } from "../lib/cli.ts"
import { openUsageDb } from "../lib/db/usage_db.ts"
import { openUsersDb } from "../lib/db/users_db.ts"
import { requireStaff } from "../lib/host/caller/caller.ts"
import { dropPrivilegesTo } from "../lib/host/caller/drop_privileges.ts"
import { loadConfig } from "../lib/host/config/config.ts"

import { builtLoginPrefix, installedPrefix } from "../lib/host/config/config_programs.ts"
import { listedLogins } from "../lib/host/people/passwd.ts"

import { examine, examineConfig } from "../lib/operations/doctor/doctor.ts"
import { attempt, ok, worstOf } from "../lib/operations/doctor/finding.ts"
import { startedAsStudent } from "../lib/operations/doctor/students.ts"
import { doctor } from "../lib/terminal/declarations/doctor.ts"

export const tool = defineTool({
  ...doctor,
  async run(args, context, output) {
    const other = args["check-config"]
    const findings = await attempt("config", "put it right: docs/configuration.md", async () => {
      if (other !== undefined) {
        const judged = loadConfig(resolve(other))
        return [ok("config", judged.path), ...examineConfig(judged, context.clock)]
      }
      const { config, clock } = context
      const prefix = args.prefix ?? installedPrefix()
      const logins = once(listedLogins)
      // Only root can become a student, and this process is root no longer than that.
      const started = startedAsStudent(config, prefix, logins() ?? [])
      dropPrivilegesTo(config.paths.dataDir)
      requireStaff(context.caller, config.course)
      if (args["accept-config"]) {
        const { acceptConfig } = await import("../lib/operations/installation/agreed_config.ts")
        const keys = acceptConfig(context, context.caller.login)
        return [
          ok(
            "config of all hosts",
            `is this one's${keys.length > 0 ? `, which has other ${keys.join(", ")}` : ""}`,
          ),
        ]
      }
      const reading = { clock, server: config.database, waiting: context.waiting, readOnly: true }
      const usersDb = once(() => openUsersDb({ ...reading, path: config.paths.userDb }))
      const usageDb = once(() => openUsageDb({ ...reading, path: config.paths.usageDb }))
      const deps = {
        ...{ config, clock, prefix, started, usersDb, usageDb },
        ...{ aws: () => context.aws, audit: context.audit, loginPrefix: builtLoginPrefix() },
        listedLogins: logins,
      }
      return [ok("config", config.path), ...(await examine(deps, { offline: args.offline }))]
    })
    const worst = worstOf(findings)
    const shown = findings.filter(({ level }) => !args.quiet || level !== "ok")
    if (args.json) output.json({ worst, findings: shown })
    else {
      for (const { level, what, found, todo } of shown) {
        const line = `${level.padEnd(7)}  ${what}: ${found}${todo === "" ? "" : ` -- ${todo}`}`
        output.line(escapeControls(line))
      }
    }
    return worst === "error" ? ExitCode.failed : ExitCode.done
  },
})

function once<T>(open: () => T): () => T {
  let opened: { value: T } | undefined
  return () => {
    opened ??= { value: open() }
    return opened.value
  }
}

if (import.meta.main) await main(tool)
