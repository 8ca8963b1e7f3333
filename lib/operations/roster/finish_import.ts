/** What imports have yet to do at AWS, whoever began it: each task is safe to repeat, and one that fails does not keep the others. */
import { messageOf } from "../../base/errors.ts"
import { plural } from "../../base/text.ts"
import { latestOf, utcMsOf } from "../../base/time.ts"
import type { RosterTask } from "../../db/roster/roster_changes.ts"
import { liftSuspension, suspend } from "../enforcement/suspend.ts"
import { droppedReason, handedOverReason } from "./access.ts"
import { beginAnew } from "./begin_anew.ts"
import type { RosterDeps } from "./deps.ts"

/** Carries out what is open; returns a line for each task that failed. The next run tries again. */
export async function finishImports(deps: RosterDeps): Promise<string[]> {
  const { usageDb, clock } = deps
  const failed: string[] = []
  for (const task of usageDb.rosterTasks.open()) {
    if (deps.interrupt.aborted) throw deps.interrupt.reason
    const failures = await carryOut(deps, task).catch((error: unknown) => [messageOf(error)])
    const why = failures.join("; ")
    usageDb.transaction(() =>
      why === "" ? usageDb.rosterTasks.done(task.id, clock.now()) : usageDb.rosterTasks.failed(task.id, why),
    )
    if (why !== "") failed.push(`${lineOf(task)}: ${why}`)
  }
  return failed
}

const lineOf = ({ kind, login }: RosterTask) =>
  kind === "suspend"
    ? `suspend ${login}, who was dropped`
    : kind === "lift"
      ? `lift the suspension of ${login}, who is back`
      : `remove what the person before left of ${login}`

async function carryOut(deps: RosterDeps, { kind, login }: RosterTask): Promise<string[]> {
  switch (kind) {
    case "suspend":
      return suspend(deps, login, droppedReason)
    case "lift":
      return liftOwn(deps, login)
    case "begin anew": {
      const failures = [...(await suspend(deps, login, handedOverReason)), ...(await beginAnew(deps, login))]
      const underWay = deps.usageDb.reservations.pending(login).length
      if (underWay > 0)
        failures.push(`${plural(underWay, "launch", "launches")} admitted before may still arrive`)
      return failures.length > 0 ? failures : liftFormer(deps, login)
    }
  }
}

/** Staff's own suspension, which has another reason, stays. */
async function liftOwn(deps: RosterDeps, login: string): Promise<string[]> {
  const current = deps.usageDb.suspensions.current(login, deps.config.course.termStartUtcMs)
  return current?.reason === droppedReason ? liftSuspension(deps, login) : []
}

/** Whatever the person before was suspended for has nothing to do with the next one, who may have been dropped since. */
async function liftFormer(deps: RosterDeps, login: string): Promise<string[]> {
  const { usageDb, config } = deps
  const term = config.course.termStartUtcMs
  const current = usageDb.suspensions.current(login, term)
  const since = latestOf(usageDb.loginHolders.since(login), term ?? utcMsOf(0))
  if (!current || current.suspendedAtUtcMs > since || usageDb.rosterDrops.isDropped(login)) return []
  return liftSuspension(deps, login)
}
