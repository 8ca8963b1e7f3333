/**
 * Whether the course at AWS is this installation's. Where AWS says nothing of it (no mark, an endpoint or a key that cannot tell) it is,
 * so that courses go on that had none.
 */
import { randomUUID } from "node:crypto"
import { existsSync } from "node:fs"
import type { Outcome } from "../../aws/outcome.ts"
import { Refused, ToolError } from "../../base/errors.ts"
import { msPerHour } from "../../base/time.ts"
import type { Context } from "../../context.ts"
import { missingPostgresSteps } from "../../db/postgres/open.ts"
import { usageSteps } from "../../db/usage_schema.ts"
import {
  type CourseMark,
  markDocument,
  markOf,
  markPolicyArn,
  markPolicyName,
  markTags,
  sharedLedger,
  whoseCourse,
} from "../../decisions/identities/course_mark.ts"
import { accountOfArn } from "../../decisions/identities/policy_document.ts"
import { hostName } from "../../host/host_name.ts"
import {
  machineHash,
  makeWaitingInstallationId,
  waitingInstallationId,
} from "../../host/installation/machine.ts"

export type MarkDeps = Pick<Context, "aws" | "config" | "usageDb" | "clock">

/** Launches look so often; who has taken the course over is heard of by then. */
const lookEveryMs = msPerHour

/** Throws Refused where the course is another installation's. Asks AWS once an hour. */
export async function requireOwnCourse(deps: MarkDeps): Promise<void> {
  const { usageDb, clock, config } = deps
  const known = usageDb.installation.get()
  const { machine } = ownMark(deps, "")
  if (known?.lookedAtUtcMs != null && known.lookedOn === machine) {
    const sinceMs = clock.now() - known.lookedAtUtcMs
    if (sinceMs >= 0 && sinceMs < lookEveryMs) return
  }
  const id = known?.id ?? recordedId(deps)
  let mark: CourseMark | null
  try {
    mark = await readMark(deps)
  } catch (error) {
    if (error instanceof ToolError) return
    throw error
  }
  const refusal = refusalOf(config.course.name, mark, ownMark(deps, id))
  if (refusal) throw refusal
  usageDb.transaction(() => usageDb.installation.looked(clock.now(), machine))
}

/** What the mark says against this installation; null where it is ours, or nobody's. Reads only. */
export async function courseOfOthers(
  deps: MarkDeps,
): Promise<{ mark: CourseMark | null; refusal: Refused | null }> {
  const mark = await readMark(deps)
  const own = ownMark(deps, deps.usageDb.installation.get()?.id ?? "")
  return { mark, refusal: refusalOf(deps.config.course.name, mark, own) }
}

/**
 * What `setup` has to do so that the course is this installation's. Throws Refused where it is another's, unless it is to be taken over.
 * A note is what keeps it from being marked; nothing else hangs on that.
 */
export async function planMark(
  deps: Pick<Context, "aws" | "config" | "clock"> & { usageDb(): MarkDeps["usageDb"] },
  { takeOver, dryRun }: { takeOver: boolean; dryRun: boolean },
): Promise<{ actions: { what: string; act(): Promise<Outcome> }[]; notes: string[] }> {
  const { config, aws } = deps
  const { name } = config.course
  const own = ownMark(deps, installationIdOf(deps, dryRun))
  const tags = { ...config.launch.tags, ...markTags(name, own) }
  const iam = await aws.iam()
  let arn: string
  let found: Record<string, string> | null
  try {
    arn = markPolicyArn(accountOfArn(await iam.callerArn()), name)
    found = await iam.policyTags(arn)
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    return { actions: [], notes: [`the course is not marked as this installation's: ${error.message}`] }
  }
  const mark = markOf(found)
  const refusal = refusalOf(name, mark, own)
  if (refusal && !takeOver) throw refusal
  const policy = { name: markPolicyName(name), path: `/${name}/`, document: markDocument(), tags }
  const description =
    "Names the installation of ec2-wrappers that launches for this course. Attach it to nobody."
  if (found === null) {
    const what = `create policy ${policy.name}, which marks the course as this installation's`
    return { actions: [{ what, act: () => iam.createPolicy({ ...policy, description }) }], notes: [] }
  }
  const isRight = mark?.installation === own.installation && mark.machine === own.machine
  if (isRight) return { actions: [], notes: [] }
  const what = refusal
    ? `take the course over from ${mark?.host || "another host"}`
    : `mark the course as this installation's by policy ${policy.name}`
  return { actions: [{ what, act: () => iam.tagPolicy(arn, tags) }], notes: [] }
}

async function readMark({ aws, config }: Pick<MarkDeps, "aws" | "config">): Promise<CourseMark | null> {
  const iam = await aws.iam()
  return markOf(await iam.policyTags(markPolicyArn(accountOfArn(await iam.callerArn()), config.course.name)))
}

function ownMark({ config }: Pick<MarkDeps, "config">, installation: string): CourseMark {
  return { installation, machine: config.database ? sharedLedger : machineHash(), host: hostName() }
}

function refusalOf(course: string, mark: CourseMark | null, own: CourseMark): Refused | null {
  const whose = whoseCourse(mark, own)
  if (whose === "ours" || whose === "nobody's") return null
  const host = mark?.host || "another host"
  const what =
    whose === "another ledger's"
      ? `belongs to another installation, on ${host}, with a ledger of its own`
      : `belongs to the installation on ${host}, and this is a copy of its ledger on another machine`
  return new Refused(
    `course ${course}`,
    `${what}; nothing is launched or changed here. If the course is to go on here, staff must run setup --take-over`,
  )
}

/** The ledger's id; of a ledger that is yet to be made, the one that waits for it. */
function installationIdOf(
  deps: Pick<MarkDeps, "config"> & { usageDb(): MarkDeps["usageDb"] },
  dryRun: boolean,
): string {
  const { paths, database } = deps.config
  const isMade = database
    ? missingPostgresSteps({ settings: database, schema: "ec2_usage" }, usageSteps) !== null
    : existsSync(paths.usageDb)
  if (!isMade)
    return dryRun ? (waitingInstallationId(paths.dataDir) ?? "") : makeWaitingInstallationId(paths.dataDir)
  const usageDb = deps.usageDb()
  if (dryRun) return usageDb.installation.get()?.id ?? ""
  return recordedId({ config: deps.config, usageDb })
}

/** Gives the ledger its id where it has none. */
export function recordedId({ config, usageDb }: Pick<MarkDeps, "config" | "usageDb">): string {
  const candidate = waitingInstallationId(config.paths.dataDir) ?? randomUUID()
  return usageDb.transaction(() => usageDb.installation.ensure(candidate))
}
