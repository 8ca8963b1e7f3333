/** The steps of a plan, each as it is carried out. */
import { hasCode } from "../../aws/protocol/errors.ts"
import { Failed } from "../../base/errors.ts"
import { msPerSecond } from "../../base/time.ts"
import { defaultKeyName } from "../../decisions/identities/key_name.ts"
import type { IdentityStep } from "../../decisions/identities/plan.ts"
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
import { retireSecretFiles, writeHome } from "./home.ts"
import { identityTags, userPolicyText } from "./observe.ts"
import { explainedTaken, requireNoOtherCase } from "./other_case.ts"
import { removeUser } from "./removal.ts"

/** What a run has made so far, and how to undo it; the latest last. */
type Undo = () => Promise<void>

export interface Convergence {
  deps: IdentityDeps
  /** For a default key that is not there yet: imported instead of made; null: made. */
  publicKey: string | null
  /** Of the IAM user. */
  arn: string | null
  isNew: boolean
  undo: Undo[]
  written: string[]
  /** Files with an access key that were moved to `NAME.old`. */
  retired: string[]
}

export async function carryOut(run: Convergence, step: IdentityStep): Promise<void> {
  const { deps } = run
  const { login, config, usersDb } = deps
  const iam = await iamOf(deps)
  const keyName = defaultKeyName(login)
  switch (step.do) {
    case "create user": {
      const tags = identityTags(deps)
      const { arn } = await audited(deps, "create user", () =>
        iam.createUser(login, `/${config.course.name}/`, tags),
      ).catch(explainedTaken(login))
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
      usersDb.transaction(() => {
        // Once more: nobody else keeps the run of another login out.
        requireNoOtherCase(deps)
        usersDb.users.add({ login, createdAt: nowIso(deps), createdBy: deps.actor, password: null })
      })
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
      await makeSshKey(deps, keyName, run.publicKey)
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
    case "write session files":
      requireNotSuspended(deps)
      run.written = writeHome(deps, { accessKey: null, sshKey: usersDb.sshKeys.get(login, keyName) })
      run.undo = []
      run.retired = retireSecretFiles(deps)
      return
    case "end access key intent":
      usersDb.intents.end(login, "access key")
  }
}

/** Where an old key still works, the new one must work before the old one goes; a first key may also need its time. */
async function verified(
  run: Convergence,
  key: { id: string; secret: string },
  replaces: boolean,
): Promise<void> {
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

/** IAM may not find for some seconds what it has just made, and not change what it has just deleted. */
async function onceVisible<T>(run: Convergence, call: () => Promise<T>): Promise<T> {
  const { clock, interrupt } = run.deps
  const deadline = clock.now() + visibilityDeadlineMs
  for (;;) {
    try {
      return await call()
    } catch (error) {
      const isSettling =
        (run.isNew && hasCode(error, "NoSuchEntity")) || hasCode(error, "EntityTemporarilyUnmodifiable")
      if (!isSettling || clock.now() > deadline) throw error
      await clock.sleep(visibilityDelayMs, interrupt)
    }
  }
}
