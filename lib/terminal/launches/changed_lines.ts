/** What ec2_active says about a change that was made, or in a dry run would be. */
import { plural } from "../../base/text.ts"
import { isoUtc } from "../../base/time.ts"
import type { Changed, Effect } from "../../operations/launches/change.ts"

export function changedLines({ effects, behind }: Changed, dryRun: boolean): string[] {
  return [...effects.flatMap((effect) => effectLines(effect, dryRun)), ...behind]
}

const endVerbs = {
  terminate: { real: "Terminating", dryRun: "Would terminate" },
  stop: { real: "Stopping", dryRun: "Would stop" },
}

function effectLines(effect: Effect, dryRun: boolean): string[] {
  switch (effect.kind) {
    case "terminate":
    case "stop": {
      if (effect.instances.length === 0) return [`nothing to ${effect.kind}`]
      const said = endVerbs[effect.kind][dryRun ? "dryRun" : "real"]
      return effect.instances.map(({ id, type }) => `${said} ${id} (${type})`)
    }
    case "cancel":
      return [`${dryRun ? "Would cancel" : "Cancelled"} ${plural(effect.count, "spot request")}`]
    case "start":
      return effect.started.map(({ id, leaseEndsAtUtcMs, note }) => {
        const why = note === "" ? "" : ` (${note})`
        return `${dryRun ? "Would start" : "Starting"} ${id}, its lease ends at ${isoUtc(leaseEndsAtUtcMs)}${why}`
      })
    case "extend":
      return effect.leases.map(({ instanceId, endsAtUtcMs }) => {
        return `${dryRun ? "Would extend" : "Extended"} ${instanceId} until ${isoUtc(endsAtUtcMs)}`
      })
    case "delete":
      return effect.stored.map(({ id, description }) => {
        return `${dryRun ? "Would delete" : "Deleting"} ${id} (${description})`
      })
  }
}
