/** What a launch says to the person who made it, on standard error. */
import { usd } from "../../base/money.ts"
import { duration, type UtcMs } from "../../base/time.ts"
import type { Launched } from "../../operations/launches/launched.ts"

/** What runs, what it costs, when it ends by this host's clock, what is left, and how to log in. */
export function launchLines(
  { instances, microUsdPerHour, worst, leaseEndsAtUtcMs, left }: Launched,
  nowUtcMs: UtcMs,
  jupyter = false,
): string[] {
  const [first] = instances
  if (!first) return []
  const what = instances.length === 1 ? first.type : `${instances.length} of ${first.type}`
  const budget = left?.budget ?? null
  return [
    `${what}: ${usd(microUsdPerHour)} an hour, at most ${usd(worst)} with volumes and addresses`,
    `ends ${localTime(leaseEndsAtUtcMs)}, in ${duration(leaseEndsAtUtcMs - nowUtcMs)} (sooner: ec2-active --terminate ${first.id})`,
    ...(budget === null ? [] : [`left of your budget: ${usd(budget)}`]),
    `log in: ec2-ssh ${first.id}`,
    ...(jupyter ? [`JupyterLab, once it is installed, in a few minutes: ec2-ssh --jupyter ${first.id}`] : []),
  ]
}

/** `Tue, 1 Dec, 18:12 CET`. */
function localTime(utcMs: UtcMs): string {
  return new Date(utcMs).toLocaleString("en-GB", {
    ...{ weekday: "short", day: "numeric", month: "short" },
    ...{ hour: "2-digit", minute: "2-digit", timeZoneName: "short" },
  })
}
