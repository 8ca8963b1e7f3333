/**
 * What lies between an identity as AWS and the database have it, in whatever mixture, and as it should be: a list of steps
 * in an order that survives a crash after any of them. A dry run prints it, the real run does it; where all is well it is empty.
 */
import type { UtcMs } from "../../base/time.ts"

/** One student's identity as it is. */
export interface ObservedIdentity {
  user: { arn: string; path: string; isTagged: boolean } | null
  inGroup: boolean
  hasRightPolicy: boolean
  hasLoginProfile: boolean
  iamKeys: { id: string; active: boolean; createdAtUtcMs: UtcMs }[]
  /** The default key pair as EC2 has it. */
  keyPair: { fingerprint: string } | null
  row: { password: string | null } | null
  recordedKeys: { id: string; secret: string }[]
  /** The default key as we have it; `isUsable` when its public half is known or can be had from the private one. */
  recordedSshKey: { fingerprint: string; isUsable: boolean } | null
  keyIntent: { before: string[]; replaces: boolean } | null
  passwordIntent: { password: string } | null
}

export type IdentityStep =
  | { do: "create user" }
  | { do: "tag user" }
  | { do: "record user" }
  | { do: "join group" }
  | { do: "write policy" }
  /** `password` null: one is made. */
  | { do: "set password"; how: "create" | "update"; password: string | null }
  | { do: "forget access key"; id: string }
  | { do: "delete access key"; id: string; because: string }
  /** `before`: the keys that AWS then has. */
  | { do: "create access key"; before: string[]; replaces: boolean }
  | { do: "verify access key"; id: string }
  | { do: "delete key pair"; because: string }
  /** From the recorded public or private half. */
  | { do: "restore key pair" }
  | { do: "make ssh key" }
  /** With this access key; null: with the one that is made before. */
  | { do: "write files"; accessKey: string | null }
  /** Without a secret in any; and files that hold an access key are moved aside. */
  | { do: "write session files" }
  | { do: "end access key intent" }

export interface PlanOptions {
  /** Replace the access key by a new one. */
  rotate: boolean
}

export function planIdentity(observed: ObservedIdentity, { rotate }: PlanOptions): IdentityStep[] {
  const keys = planAccessKeys(observed, rotate)
  return [
    ...(observed.user === null ? [{ do: "create user" } as const] : []),
    ...(observed.user?.isTagged === false ? [{ do: "tag user" } as const] : []),
    ...(observed.row === null ? [{ do: "record user" } as const] : []),
    ...(observed.inGroup ? [] : [{ do: "join group" } as const]),
    ...(observed.hasRightPolicy ? [] : [{ do: "write policy" } as const]),
    ...planPassword(observed),
    ...keys.before,
    ...planSshKey(observed),
    { do: "write files", accessKey: keys.current },
    ...keys.after,
  ]
}

/** The part of an identity that a login with sessions has: no IAM user, no key, no password. */
export type ObservedSessionIdentity = Pick<ObservedIdentity, "keyPair" | "row" | "recordedSshKey">

export function planSessionIdentity(observed: ObservedSessionIdentity): IdentityStep[] {
  return [
    ...(observed.row === null ? [{ do: "record user" } as const] : []),
    ...planSshKey(observed),
    { do: "write session files" },
  ]
}

function planPassword({ hasLoginProfile, row, passwordIntent }: ObservedIdentity): IdentityStep[] {
  const how = hasLoginProfile ? "update" : "create"
  if (passwordIntent) return [{ do: "set password", how, password: passwordIntent.password }]
  if (!hasLoginProfile) return [{ do: "set password", how, password: row?.password || null }]
  // Somebody set it, and nobody knows it here: the one thing that cannot be had is the old one.
  return row?.password ? [] : [{ do: "set password", how, password: null }]
}

/** Of a key that the person who asks may use somewhere. */
export const madeByHand = "made by hand and not by ec2-util"

/** IAM's limit, which no quota raises. */
const maxAccessKeys = 2

/**
 * The key in use is the youngest that is recorded and active. A new one is made, recorded, verified and handed over before an
 * old one goes, so that no moment is without a working key.
 */
function planAccessKeys(
  { iamKeys, recordedKeys, keyIntent }: ObservedIdentity,
  rotate: boolean,
): { before: IdentityStep[]; current: string | null; after: IdentityStep[] } {
  const isRecorded = (id: string) => recordedKeys.some((key) => key.id === id)
  const isOrphan = (id: string) => keyIntent !== null && !keyIntent.before.includes(id) && !isRecorded(id)
  const replaced = (id: string) => (isRecorded(id) ? "it is replaced" : `it is replaced, ${madeByHand}`)
  const stale = recordedKeys.filter(({ id }) => !iamKeys.some((key) => key.id === id))
  const orphans = iamKeys.filter(({ id }) => isOrphan(id))
  const left = iamKeys.filter(({ id }) => !isOrphan(id)).sort((a, b) => a.createdAtUtcMs - b.createdAtUtcMs)
  const current = left.findLast(({ id, active }) => active && isRecorded(id))
  const isHalfRotated = keyIntent?.replaces === true && current && !keyIntent.before.includes(current.id)

  const before: IdentityStep[] = [
    ...stale.map(({ id }) => ({ do: "forget access key", id }) as const),
    ...orphans.map(({ id }) => deletion(id, "an interrupted run made it and nobody has its secret")),
  ]
  const endIntent: IdentityStep[] = keyIntent ? [{ do: "end access key intent" }] : []
  if (current && (!rotate || isHalfRotated)) {
    if (!isHalfRotated) return { before, current: current.id, after: endIntent }
    const others = left.filter((key) => key !== current)
    return {
      before: [...before, { do: "verify access key", id: current.id }],
      current: current.id,
      after: [...others.map(({ id }) => deletion(id, replaced(id))), ...endIntent],
    }
  }
  const victim = left.length < maxAccessKeys ? undefined : leastMissed(left.filter((key) => key !== current))
  const kept = left.filter((key) => key !== victim)
  if (victim) {
    const room = "AWS allows two, and this makes room"
    before.push(deletion(victim.id, isRecorded(victim.id) ? room : `${room}; it is one ${madeByHand}`))
  }
  before.push({ do: "create access key", before: kept.map(({ id }) => id), replaces: rotate })
  const old = rotate ? kept : kept.filter(({ id, active }) => !active && isRecorded(id))
  return {
    before,
    current: null,
    after: [...old.map(({ id }) => deletion(id, replaced(id))), { do: "end access key intent" }],
  }

  /** An inactive one, else one that we do not know the secret of, else the oldest. */
  function leastMissed(candidates: typeof left): (typeof left)[number] | undefined {
    return (
      candidates.find(({ active }) => !active) ??
      candidates.find(({ id }) => !isRecorded(id)) ??
      candidates[0]
    )
  }
}

function deletion(id: string, because: string): IdentityStep {
  return { do: "delete access key", id, because }
}

function planSshKey({ keyPair, recordedSshKey }: ObservedSessionIdentity): IdentityStep[] {
  if (recordedSshKey?.isUsable) {
    if (!keyPair) return [{ do: "restore key pair" }]
    if (keyPair.fingerprint === recordedSshKey.fingerprint) return []
    return [
      { do: "delete key pair", because: "it is another than the recorded one" },
      { do: "restore key pair" },
    ]
  }
  if (recordedSshKey && keyPair?.fingerprint === recordedSshKey.fingerprint) return []
  if (!keyPair) return [{ do: "make ssh key" }]
  return [{ do: "delete key pair", because: "nobody here has its private half" }, { do: "make ssh key" }]
}

/** The step in words, for dry runs and for the audit log. */
export function describeStep(step: IdentityStep, login: string): string {
  switch (step.do) {
    case "create user":
    case "tag user":
    case "record user":
      return `${step.do} ${login}`
    case "join group":
      return `add ${login} to the students' group`
    case "write policy":
      return `write the policy of ${login}`
    case "set password":
      return `${step.how} the login profile of ${login}`
    case "forget access key":
      return `forget access key ${step.id}, which AWS does not have`
    case "delete access key":
      return `delete access key ${step.id}: ${step.because}`
    case "create access key":
      return `create an access key for ${login}`
    case "verify access key":
      return `verify access key ${step.id}`
    case "delete key pair":
      return `delete the key pair at EC2: ${step.because}`
    case "restore key pair":
      return "import the recorded key pair into EC2 again"
    case "make ssh key":
      return "make the default SSH key"
    case "write files":
    case "write session files":
      return "write the files in the home"
    case "end access key intent":
      return "note that the access key is handed over"
  }
}
