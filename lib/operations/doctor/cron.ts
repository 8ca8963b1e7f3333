/** Does cron look at the account, and often enough for leases to end when they should? */
import type { Config } from "../../base/config.ts"
import { type Clock, duration, msPerHour, msPerMinute } from "../../base/time.ts"
import type { Snapshots } from "../../db/usage/snapshots.ts"
import { type Finding, failing, ok, warning } from "./finding.ts"

export interface CronDeps {
  config: Config
  clock: Clock
  snapshots: Pick<Snapshots, "latest" | "lastFailure">
}

/** From one run of the installed crontab to the next. */
const intervalMs = 5 * msPerMinute
const lateMs = 3 * intervalMs
const missingMs = 2 * msPerHour
const todo = "see whether cron runs usage_cron: its mail, and /etc/cron.d/ec2-wrappers"

export function checkCron({ config, clock, snapshots }: CronDeps): Finding[] {
  const looks = config.aws.regions.map((region) => {
    const what = `last look at ${region}`
    const last = snapshots.latest(region)
    const failure = snapshots.lastFailure(region)
    const why = failure ? `; since then: ${failure.error}` : ""
    if (!last) return failing(what, `never${why}`, todo)
    const age = clock.now() - last.finishedUtcMs
    const found = `${duration(age)} ago, ${last.instances} instances${why}`
    if (failure && age <= lateMs) return warning(what, found, "see the finding about AWS, or its message")
    if (age > missingMs) return failing(what, found, todo)
    return age > lateMs ? warning(what, found, todo) : ok(what, found)
  })
  return [...looks, ...checkEnforcement({ config })]
}

/** What the config says about the end of leases. */
export function checkEnforcement({ config }: Pick<CronDeps, "config">): Finding[] {
  const enforcement = config.leases.enforce
    ? ok("[leases] enforce", "usage_cron ends what is past its lease")
    : warning(
        "[leases] enforce",
        "is false",
        "set it, or run usage_cron --enforce: until then leases only warn",
      )
  return [
    enforcement,
    config.leases.schedulerRole !== null
      ? ok("[leases] scheduler_role", "AWS ends leases when this host is down")
      : warning(
          "[leases] scheduler_role",
          "is not set",
          "set it: while cron is down, only a timer that a student can stop ends an instance (docs/budget-guarantee.md)",
        ),
    ...(config.leases.enforcementMs < intervalMs
      ? [
          warning(
            "[leases] enforcement_minutes",
            `is ${config.leases.enforcementMs / msPerMinute}`,
            "set it to cron's interval and a margin: what runs until cron comes is reserved by it alone",
          ),
        ]
      : []),
  ]
}
