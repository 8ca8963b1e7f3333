/**
 * Brings an identity to what it should be, by the plan of lib/decisions/identities/plan.ts: create, record, verify, hand over,
 * then delete the old. Killed anywhere, the next run goes on; where the home cannot be written, what AWS made is undone.
 */
import { hasCode } from "../../aws/errors.ts"
import { Failed, messageOf } from "../../base/errors.ts"
import { msPerSecond } from "../../base/time.ts"
import { defaultKeyName } from "../../decisions/identities/key_name.ts"
import { describeStep, planIdentity, type Step } from "../../decisions/identities/plan.ts"
import { userPolicyName } from "../../decisions/identities/student_policy.ts"
import {
  createAccessKey,
  deleteAccessKey,
  deleteKeyPair,
  keyComesToWork,
  makeSshKey,
  restoreKeyPair,
  setPassword,
} from "./credentials.ts"
import { audited, type IdentityDeps, iamOf, nowIso, requireNotSuspended } from "./deps.ts"
import { HomeNotWritten, writeHome } from "./home.ts"
import { identityTags, observeIdentity, userPolicyText } from "./observe.ts"
import { removeUser } from "./removal.ts"

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
  /** What was done, or would be. */
  steps: string[]
}

/** What a run has made so far, and how to undo it; the latest last. */
type Undo = () => Promise<void>

interface Run {
  deps: IdentityDeps
  options: ConvergeOptions
  /** Of the IAM user. */
  arn: string | null
  isNew: boolean
  undo: Undo[]
  written: string[]
}

export async function convergeIdentity(
  deps: IdentityDeps,
  options: ConvergeOptions = {},
): Promise<Converged> {
  requireNotSuspended(deps)
  const { login } = deps
  const observed = await observeIdentity(deps)
  if (options.rotate && observed.user === null) {
    throw new Failed("rotate secret", `${login} has no account yet; --init makes it`)
  }
  const steps = planIdentity(observed, { rotate: options.rotate ?? false })
  const isNew = observed.user === null
  const result = {
    isNew,
    madeSshKey: steps.some((step) => step.do === "make ssh key"),
    steps: steps.map((step) => describeStep(step, login)),
  }
  if (options.dryRun) return { ...result, written: [] }
  if (!observed.inGroup) await requireGroup(deps)
  // Home, quota, helper: what is going to fail shall fail before AWS has made anything.
  deps.home.probe()
  const run: Run = { deps, options, arn: observed.user?.arn ?? null, isNew, undo: [], written: [] }
  try {
    for (const step of steps) await carryOut(run, step)
  } catch (error) {
    throw await undone(run, error)
  }
  return { ...result, written: run.written }
}

async function carryOut(run: Run, step: Step): Promise<void> {
  const { deps } = run
  const { login, config, usersDb } = deps
  const iam = await iamOf(deps)
  const keyName = defaultKeyName(login)
  switch (step.do) {
    case "create user": {
      const tags = identityTags(deps)
      const { arn } = await audited(deps, "create user", () =>
        iam.createUser(login, `/${config.course.name}/`, tags),
      )
      run.arn = arn
      run.undo.push(async () => {
        const { failed } = await removeUser(deps)
        const [first] = failed
        if (first) throw new Failed(`delete ${first.what}`, first.reason)
      })
      return
    }
    case "tag user":
      await audited(deps, "tag user", () => iam.tagUser(login, identityTags(deps)))
      return
    case "record user":
      usersDb.users.add({ login, createdAt: nowIso(deps), createdBy: deps.actor, password: null })
      run.undo.push(async () => usersDb.users.remove(login))
      return
    case "join group":
      await audited(deps, `join group ${config.course.iamGroup}`, () =>
        onceVisible(run, () => iam.addToGroup(login, config.course.iamGroup)),
      )
      return
    case "write policy": {
      const text = userPolicyText(deps, run.arn ?? "")
      await audited(deps, `write policy ${userPolicyName(login)}`, () =>
        onceVisible(run, () => iam.putUserPolicy(login, userPolicyName(login), text)),
      )
      return
    }
    case "set password":
      await onceVisible(run, () => setPassword(deps, step.how, step.password))
      return
    case "forget access key":
      usersDb.accessKeys.remove(step.id)
      return
    case "delete access key":
      return deleteAccessKey(deps, step.id)
    case "create access key": {
      const key = await onceVisible(run, () => createAccessKey(deps, step.before, step.replaces))
      run.undo.push(async () => {
        await deleteAccessKey(deps, key.id)
        usersDb.intents.end(login, "access key")
      })
      return verified(run, key, step.replaces)
    }
    case "verify access key": {
      const key = usersDb.accessKeys.ofUser(login).find(({ id }) => id === step.id)
      if (key) await verified(run, key, true)
      return
    }
    case "delete key pair":
      return deleteKeyPair(deps, keyName)
    case "restore key pair":
      return restoreKeyPair(deps, keyName)
    case "make ssh key":
      await makeSshKey(deps, keyName, run.options.publicKey ?? null)
      run.undo.push(async () => {
        await deleteKeyPair(deps, keyName)
        usersDb.sshKeys.remove(keyName)
      })
      return
    case "write files":
      // Once more: a suspension since the first look has not seen a key made since then.
      requireNotSuspended(deps)
      run.written = writeFiles(deps, step.accessKey)
      // Handed over: from here on nothing is undone, an old key that cannot be deleted is the next run's.
      run.undo = []
      run.isNew = false
      return
    case "end access key intent":
      usersDb.intents.end(login, "access key")
  }
}

/** Asked before anything is made. */
async function requireGroup(deps: IdentityDeps): Promise<void> {
  const { iamGroup } = deps.config.course
  if ((await (await iamOf(deps)).group(iamGroup)) !== null) return
  throw new Failed("account", `the IAM group ${iamGroup} does not exist; staff must run setup`)
}

/** Where an old key still works, the new one must work before the old one goes; a first key may also need its time. */
async function verified(run: Run, key: { id: string; secret: string }, replaces: boolean): Promise<void> {
  if (await keyComesToWork(run.deps, key)) return
  if (replaces) {
    throw new Failed(
      "rotate secret",
      `AWS does not know the new key ${key.id} yet; the old one stays, try later`,
    )
  }
  run.deps.progress(`AWS does not know access key ${key.id} yet; it will in some minutes`)
}

/** The files of a home, from what the database has: with this access key, or the one recorded last. */
function writeFiles(deps: IdentityDeps, keyId: string | null): string[] {
  const { login, usersDb } = deps
  const recorded = usersDb.accessKeys.ofUser(login)
  const accessKey = recorded.find(({ id }) => id === keyId) ?? recorded.at(-1)
  if (!accessKey) throw new Failed("write files", `no access key of ${login} is known`)
  return writeHome(deps, { accessKey, sshKey: usersDb.sshKeys.get(login, defaultKeyName(login)) })
}

const visibilityDeadlineMs = 30 * msPerSecond
const visibilityDelayMs = 500

/** IAM may not find for some seconds what it has just made. */
async function onceVisible<T>(run: Run, call: () => Promise<T>): Promise<T> {
  const { clock, interrupt } = run.deps
  const deadline = clock.now() + visibilityDeadlineMs
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!run.isNew || !hasCode(error, "NoSuchEntity") || clock.now() > deadline) throw error
      await clock.sleep(visibilityDelayMs, interrupt)
    }
  }
}

/** Undoes what this run made, and returns the error to report. */
async function undone(run: Run, error: unknown): Promise<unknown> {
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
