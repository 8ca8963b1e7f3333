/**
 * Brings an identity to what it should be, by the plan of lib/decisions/identities/plan.ts: create, record, verify, hand over,
 * then delete the old. Killed anywhere, the next run goes on; where the home cannot be written, what AWS made is undone.
 */
import { Failed, messageOf, Refused } from "../../base/errors.ts"
import { credentialModeOf } from "../../decisions/identities/credential_mode.ts"
import {
  describeStep,
  type IdentityStep,
  planIdentity,
  planSessionIdentity,
} from "../../decisions/identities/plan.ts"
import { type IdentityDeps, iamOf, requireNotSuspended } from "./deps.ts"
import { HomeNotWritten } from "./home.ts"
import { observeIdentity, observeSessionIdentity } from "./observe.ts"
import { requireNoOtherCase } from "./other_case.ts"
import { type Convergence, carryOut } from "./steps.ts"

export interface ConvergeOptions {
  /** Replace the access key; refused where there is no account yet. */
  rotate?: boolean
  /** For a default key that is not there yet: imported instead of made. */
  publicKey?: string | null
  dryRun?: boolean
}

export interface Converged {
  /** False: an account was there. */
  isNew: boolean
  madeSshKey: boolean
  /** Paths in the home. */
  written: string[]
  /** Files with an access key that were moved to `NAME.old`. */
  retired: string[]
  /** What was done, or would be. */
  steps: string[]
}

export async function convergeIdentity(
  deps: IdentityDeps,
  options: ConvergeOptions = {},
): Promise<Converged> {
  requireNotSuspended(deps)
  requireNoOtherCase(deps)
  const { login } = deps
  const planned =
    credentialModeOf(deps.config, login) === "sessions"
      ? await plannedSession(deps, options)
      : await plannedWithKeys(deps, options)
  const { steps, isNew } = planned
  const result = {
    isNew,
    madeSshKey: steps.some((step) => step.do === "make ssh key"),
    steps: steps.map((step) => describeStep(step, login)),
  }
  if (options.dryRun) return { ...result, written: [], retired: [] }
  if (!planned.inGroup) await requireGroup(deps)
  // Home, quota, helper: what is going to fail shall fail before AWS has made anything.
  deps.home.probe()
  const run: Convergence = {
    deps,
    publicKey: options.publicKey ?? null,
    arn: planned.arn,
    isNew,
    undo: [],
    written: [],
    retired: [],
  }
  try {
    for (const step of steps) await carryOut(run, step)
  } catch (error) {
    throw await undone(run, error)
  }
  return { ...result, written: run.written, retired: run.retired }
}

interface Planned {
  steps: IdentityStep[]
  isNew: boolean
  inGroup: boolean
  /** Of the IAM user. */
  arn: string | null
}

async function plannedWithKeys(deps: IdentityDeps, { rotate = false }: ConvergeOptions): Promise<Planned> {
  const observed = await observeIdentity(deps)
  if (rotate && observed.user === null) {
    throw new Failed("rotate secret", `${deps.login} has no account yet; --init makes it`)
  }
  return {
    steps: planIdentity(observed, { rotate }),
    isNew: observed.user === null,
    inGroup: observed.inGroup,
    arn: observed.user?.arn ?? null,
  }
}

async function plannedSession(deps: IdentityDeps, { rotate }: ConvergeOptions): Promise<Planned> {
  if (rotate)
    throw new Refused(
      "rotate secret",
      `${deps.login} has sessions, which end by themselves, and no access key`,
    )
  const observed = await observeSessionIdentity(deps)
  return { steps: planSessionIdentity(observed), isNew: observed.row === null, inGroup: true, arn: null }
}

/** Asked before anything is made. */
async function requireGroup(deps: IdentityDeps): Promise<void> {
  const { iamGroup } = deps.config.course
  if ((await (await iamOf(deps)).group(iamGroup)) !== null) return
  throw new Failed("account", `the IAM group ${iamGroup} does not exist; staff must run setup`)
}

/** Undoes what this run made, and returns the error to report. */
async function undone(run: Convergence, error: unknown): Promise<unknown> {
  const { deps } = run
  const cause = error instanceof HomeNotWritten ? error.cause : error
  if (error instanceof HomeNotWritten && !error.isRestored) {
    // Some file may have the new key: it must go on working, and so must the old one in the others.
    return new Failed("write files", `${messageOf(cause)}; old and new access key both work, run it again`, {
      cause,
    })
  }
  try {
    for (const undo of run.undo.reverse()) await undo()
  } catch (failure) {
    deps.audit.record(deps.actor, `identity: failed: undo for ${deps.login}: ${messageOf(failure)}`)
    deps.progress(`what was begun could not be undone (${messageOf(failure)}); --init goes on from there`)
  }
  return cause
}
