import { ExitCode, Failed, UsageError } from "../lib/base/errors.ts"
import { escapeControls, plural } from "../lib/base/text.ts"
import { defineTool, main } from "../lib/cli.ts"
import { usageCron } from "../lib/terminal/declarations/usage_cron.ts"

export const tool = defineTool({
  ...usageCron,
  async run(args, context, output) {
    const { runCron } = await import("../lib/operations/usage/cron.ts")
    const other = (["enforce", "dry-run", "repair", "cloudtrail"] as const).find((name) => args[name])
    if (args["refresh-prices"] && other)
      throw new UsageError("options", `--refresh-prices does nothing else, leave --${other} out`)
    if (args["refresh-prices"]) {
      const { refreshPrices } = await import("../lib/operations/pricing/list_prices.ts")
      const lists = await refreshPrices(context)
      if (args.json) return output.json(lists)
      for (const { region, read, changed } of lists)
        output.line(`${region}: ${plural(read, "price")}, ${changed} changed`)
      return
    }
    const enforce = args.enforce || context.config.leases.enforce
    if (args["dry-run"] && !enforce && !args.repair)
      throw new UsageError("options", "--dry-run says what --enforce or --repair would do, give one of them")
    const { cronRun } = await import("../lib/operations/enforcement/cron_run.ts")
    const { summary, enforced, warnings, failure } = await cronRun(context, {
      snapshot: () => runCron(context, { cloudTrail: args.cloudtrail }),
      enforce,
      dryRun: args["dry-run"],
    })
    if (!args["dry-run"]) {
      const { tellStaff } = await import("../lib/operations/messages/tell_staff.ts")
      warnings.push(...(await tellStaff(context, { warnings, enforced, failure })))
    }
    if (!args["dry-run"] && context.config.reports.htmlDir !== null) {
      const { publishOrSay } = await import("../lib/operations/reports/publish_pages.ts")
      warnings.push(...(await publishOrSay(context)))
    }
    for (const warning of warnings) output.warn(warning)
    if (!args.json) for (const line of enforced?.lines ?? []) output.line(line)
    if (failure !== undefined) throw failure
    if (!args.repair) {
      if (args.json) output.json({ ...summary, ...(enforced && { enforced }) })
      return enforced?.failures.length ? ExitCode.failed : ExitCode.done
    }
    if (summary === null)
      throw new Failed(
        "repair",
        "there is no new listing to go by; run it again when the other one has ended",
      )
    const { planRepairs, repair } = await import("../lib/operations/usage/repair.ts")
    const plan = planRepairs(context)
    const closing = plan.map(({ instanceId, login, because }) => ({
      instance: instanceId,
      user: login,
      because,
    }))
    if (!args.json) {
      for (const { instance, user, because } of closing)
        output.line(escapeControls(`${instance} (${user || "nobody's"}): ${because}`))
    }
    if (!args["dry-run"]) repair(context, plan)
    if (args.json)
      return output.json({
        ...summary,
        ...(enforced && { enforced }),
        closed: closing,
        dry_run: args["dry-run"],
      })
    const closed = `${plural(plan.length, "row")} ${args["dry-run"] ? "would be" : plan.length === 1 ? "is" : "are"} closed`
    output.line(plan.length === 0 ? "no row of the old tools runs for ever" : closed)
  },
})

if (import.meta.main) await main(tool)
