/** What cron does: settle what crashes left, take the snapshot, enforce. Each is tried whatever became of the one before. */
import { messageOf } from "../../base/errors.ts"
import { msPerMinute, type UtcMs } from "../../base/time.ts"
import { usesMode } from "../../decisions/identities/credential_mode.ts"
import { keepReserve, lowSpace, useReserve } from "../../host/files/reserve.ts"
import { anchorHead } from "../audit/anchor.ts"
import { sessionEnder, writeDenials } from "../identities/session_denials.ts"
import { settleReservations } from "../launches/settle.ts"
import { finishImports } from "../roster/finish_import.ts"
import { newLeftovers } from "../roster/leftovers.ts"
import type { CronSummary } from "../usage/cron.ts"
import { type Enforced, type EnforcementDeps, enforce, notSettled } from "./enforce.ts"
import { writeInstanceDenials } from "./instance_sessions.ts"
import { adoptOrphanInstances } from "./orphan_instances.ts"
import { removeSpareGroups } from "./spare_groups.ts"
import type { HaltDeps } from "./suspend.ts"

export interface CronRun {
  summary: CronSummary | null
  /** Null where nothing is enforced, or AWS could not be asked for it. */
  enforced: Enforced | null
  warnings: string[]
  /** What the snapshot threw, or else the enforcement, to be thrown when all else is said. */
  failure: unknown
}

export type CronRunDeps = EnforcementDeps & HaltDeps

/** Enforces also where the snapshot fails: an account half of which cannot be listed still has leases. */
export async function cronRun(
  deps: CronRunDeps,
  todo: { snapshot: () => Promise<CronSummary | null>; enforce: boolean; dryRun: boolean },
): Promise<CronRun> {
  const { dataDir } = deps.config.paths
  const scarce = lowSpace(dataDir)
  // Before a database is opened: SQLite cannot open one on a full disk.
  if (todo.enforce && !todo.dryRun) useReserve(dataDir, "enforcement")
  if (!mayRun(deps)) return { summary: null, enforced: null, warnings: [], failure: undefined }
  try {
    return await runHere(deps, todo, scarce)
  } finally {
    deps.usageDb.locks?.release(cronLock)
  }
}

const cronLock = "usage_cron"
/** Three times what the crontab waits: whoever has the lock and has recorded nothing for so long stands still. */
const longestMs = 15 * msPerMinute

/** On a ledger of several hosts each has its crontab, and one of them works. The others leave, unless that one stands still. */
function mayRun({ usageDb, clock }: EnforcementDeps): boolean {
  if (!usageDb.locks || usageDb.locks.tryTake(cronLock)) return true
  const last = usageDb.snapshots.last()
  return last === null || clock.now() - last.finishedUtcMs > longestMs
}

async function runHere(
  deps: CronRunDeps,
  todo: { snapshot: () => Promise<CronSummary | null>; enforce: boolean; dryRun: boolean },
  scarce: string | null,
): Promise<CronRun> {
  const begunUtcMs = deps.clock.now()
  const warnings: string[] = []
  let unsettled: string | null = null
  try {
    await settleReservations(deps, { most: Number.POSITIVE_INFINITY })
  } catch (error) {
    unsettled = notSettled(error)
  }
  let failure: unknown
  const summary = await todo.snapshot().catch((error: unknown) => {
    failure = error
    return null
  })
  // What fails for the same reason is said once.
  const isNews = (line: string) =>
    !warnings.includes(line) && (failure === undefined || line !== notSettled(failure))
  if (unsettled !== null && isNews(unsettled)) warnings.push(unsettled)
  if (summary === null && failure === undefined)
    warnings.push("another one is at work, no snapshot was taken")
  warnings.push(...(summary?.warnings ?? []))
  const enforced = todo.enforce
    ? await enforce(deps, { dryRun: todo.dryRun }).catch((error: unknown) => {
        if (failure === undefined) failure = error
        else if (messageOf(failure) !== messageOf(error))
          warnings.push(`leases not enforced: ${messageOf(error)}`)
        return null
      })
    : null
  if (summary !== null && !todo.dryRun) await makeUpForSetback(deps, begunUtcMs)
  if (enforced) {
    warnings.push(...enforced.failures.filter(isNews), ...notSaidYet(deps, enforced.foreign, todo.dryRun))
  }
  if (!todo.dryRun) {
    if (enforced) warnings.push(...(await removeSpareGroups(deps)))
    const untended = [...(await tendSessions(deps)), ...(await tendInstanceSessions(deps))]
    const unfinished = await tendRoster(deps)
    // Databases that cannot be used are the failure already; the next run tends the sessions.
    if (failure === undefined) warnings.push(...untended, ...unfinished)
  }
  // A failure on a full disk says so itself.
  if (scarce !== null && failure === undefined) warnings.push(scarce)
  try {
    deps.audit.catchUp()
  } catch (error) {
    warnings.push(messageOf(error))
  }
  if (!todo.dryRun && failure === undefined) {
    const notStored = await anchorHead(deps)
    if (notStored !== null) warnings.push(notStored)
  }
  keepReserve(deps.config.paths.dataDir)
  return { summary, enforced, warnings, failure }
}

/** Forgets sessions that have ended, and repairs the denials of their role, which a failed or killed suspension left behind. */
async function tendSessions(deps: CronRunDeps): Promise<string[]> {
  try {
    deps.usersDb.sessions.removeEnded(deps.clock.now())
    await writeDenials(deps, "enforcement")
    return []
  } catch (error) {
    // A course without sessions may have no users.db at all.
    return usesMode(deps.config, "sessions") ? [`denials of sessions: ${messageOf(error)}`] : []
  }
}

/** Denies the instances that a suspension did not know yet, and repairs what a failed or killed one left. */
async function tendInstanceSessions(deps: CronRunDeps): Promise<string[]> {
  try {
    return await writeInstanceDenials(deps, "enforcement")
  } catch (error) {
    return [`sessions of instances: ${messageOf(error)}`]
  }
}

/** Finishes imports of the roster that were killed half-way, and names what is left of those who were dropped. */
async function tendRoster(deps: CronRunDeps): Promise<string[]> {
  try {
    if (!deps.usageDb.roster.isUsed()) return []
    const sessions = sessionEnder(deps, deps.caller.login)
    return [...(await finishImports({ ...deps, sessions })), ...newLeftovers(deps)]
  } catch (error) {
    return [`roster: ${messageOf(error)}`]
  }
}

/** A complete listing has just been recorded: with a lease for each instance of ours, nothing is lacking. */
async function makeUpForSetback(deps: EnforcementDeps, begunUtcMs: UtcMs): Promise<void> {
  const { usageDb, clock } = deps
  if (usageDb.engine === "sqlite" || !usageDb.setbacks.current()) return
  const failures = await adoptOrphanInstances(deps)
  if (failures.length === 0) usageDb.transaction(() => usageDb.setbacks.settle(begunUtcMs, clock.now()))
}

/** Cron mails what it prints: each stranger is worth one mail. A dry run says what the real one would, and takes nothing from it. */
function notSaidYet(
  { usageDb, clock }: EnforcementDeps,
  lines: readonly string[],
  dryRun: boolean,
): string[] {
  const nowUtcMs = clock.now()
  const aboutOf = (line: string) => `foreign ${line.split(" ", 1)[0]}`
  if (dryRun) return lines.filter((line) => !usageDb.notices.has("", aboutOf(line)))
  return usageDb.transaction(() =>
    lines.filter((line) => {
      const said = { about: aboutOf(line), text: line, createdAtUtcMs: nowUtcMs }
      usageDb.messages.add({ ...said, topic: "strangers" })
      return usageDb.notices.add({ ...said, login: "", expiresAtUtcMs: nowUtcMs })
    }),
  )
}
