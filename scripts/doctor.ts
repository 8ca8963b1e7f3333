import { ExitCode } from "../lib/base/errors.ts"
import { defineTool, main } from "../lib/cli.ts"
import { requireStaff } from "../lib/host/caller/caller.ts"
import { dropPrivilegesTo } from "../lib/host/caller/drop_privileges.ts"
import { installedPrefix } from "../lib/host/config/config_programs.ts"
import { examine } from "../lib/operations/doctor/doctor.ts"
import { attempt, ok, worstOf } from "../lib/operations/doctor/finding.ts"

export const tool = defineTool({
  name: "doctor",
  description: "Look whether everything is installed, set up and working, and say what to do where it is not",
  arguments: {
    offline: { type: "boolean", description: "Leave out what asks AWS" },
    prefix: { type: "string", description: "Where the programs are installed (default: as they were built)" },
    quiet: { type: "boolean", alias: "q", description: "Only what is not ok" },
    json: { type: "boolean", description: "Print the findings as JSON" },
  },
  details: `Run as root, which then becomes the privileged account, or as that account. Changes nothing.
Exit code 0: all is ok, or there are only warnings (with --json: see "worst"); 1: there is an error.`,
  async run(args, context, output) {
    const findings = await attempt("config", "put it right: docs/configuration.md", async () => {
      const { config, clock } = context
      dropPrivilegesTo(config.paths.dataDir)
      requireStaff(context.caller, config.course)
      const deps = {
        config,
        clock,
        aws: () => context.aws,
        prefix: args.prefix ?? installedPrefix(),
        userCount: () => context.usersDb.users.logins().length,
        snapshots: () => context.usageDb.snapshots,
      }
      return [ok("config", config.path), ...(await examine(deps, { offline: args.offline }))]
    })
    const worst = worstOf(findings)
    const shown = findings.filter(({ level }) => !args.quiet || level !== "ok")
    if (args.json) output.json({ worst, findings: shown })
    else {
      for (const { level, what, found, todo } of shown) {
        output.line(`${level.padEnd(7)}  ${what}: ${found}${todo === "" ? "" : ` -- ${todo}`}`)
      }
    }
    return worst === "error" ? ExitCode.failed : ExitCode.done
  },
})

if (import.meta.main) await main(tool)
