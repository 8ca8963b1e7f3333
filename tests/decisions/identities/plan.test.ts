/** Every mixture of AWS and database states: 3 × 2⁶ × keys × SSH keys × intents, against what must hold after any plan. */

import { describe, expect, test } from "bun:test"
import { utcMsOf } from "../../../lib/base/time.ts"
import {
  type IdentityStep,
  type ObservedIdentity,
  planIdentity,
} from "../../../lib/decisions/identities/plan.ts"

const whole: ObservedIdentity = {
  user: { arn: "arn:aws:iam::123456789012:user/cs61c/cs61c-ab", path: "/cs61c/", isTagged: true },
  inGroup: true,
  hasRightPolicy: true,
  hasLoginProfile: true,
  iamKeys: [{ id: "K1", active: true, createdAtUtcMs: utcMsOf(1) }],
  keyPair: { fingerprint: "f" },
  row: { password: "p" },
  recordedKeys: [{ id: "K1", secret: "s" }],
  recordedSshKey: { fingerprint: "f", isUsable: true },
  keyIntent: null,
  passwordIntent: null,
}

/** What IAM and the database hold after a plan, refusing what IAM would refuse. */
function carriedOut(observed: ObservedIdentity, steps: IdentityStep[]) {
  let keys = observed.iamKeys.map((key) => ({ ...key }))
  let recorded = observed.recordedKeys.map(({ id }) => id)
  let keyPair = observed.keyPair?.fingerprint ?? null
  const lowest = { working: Number.POSITIVE_INFINITY }
  const working = () => keys.filter(({ id, active }) => active && recorded.includes(id)).length
  const hadWorking = working() > 0
  for (const step of steps) {
    if (step.do === "delete access key") {
      keys = keys.filter(({ id }) => id !== step.id)
      recorded = recorded.filter((id) => id !== step.id)
    } else if (step.do === "forget access key") recorded = recorded.filter((id) => id !== step.id)
    else if (step.do === "create access key") {
      expect(keys.map(({ id }) => id).sort()).toEqual([...step.before].sort())
      expect(keys.length).toBeLessThan(2)
      keys.push({ id: "NEW", active: true, createdAtUtcMs: utcMsOf(99) })
      recorded.push("NEW")
    } else if (step.do === "delete key pair") keyPair = null
    else if (step.do === "make ssh key" || step.do === "restore key pair") {
      expect(keyPair).toBeNull()
      keyPair = "f"
    }
    if (hadWorking) lowest.working = Math.min(lowest.working, working())
  }
  return { keys, recorded, keyPair, lowest, working: working() }
}

const done = (steps: IdentityStep[]) => steps.map((step) => step.do)

const booleans = [true, false]
const users = [whole.user, null, { arn: "arn:aws:iam::1:user/cs61c-ab", path: "/", isTagged: false }]
const iamKeySets: ObservedIdentity["iamKeys"][] = [
  [],
  [{ id: "K1", active: true, createdAtUtcMs: utcMsOf(1) }],
  [{ id: "K1", active: false, createdAtUtcMs: utcMsOf(1) }],
  [
    { id: "K1", active: true, createdAtUtcMs: utcMsOf(1) },
    { id: "K2", active: true, createdAtUtcMs: utcMsOf(2) },
  ],
  [
    { id: "K1", active: true, createdAtUtcMs: utcMsOf(1) },
    { id: "K2", active: false, createdAtUtcMs: utcMsOf(2) },
  ],
  [
    { id: "K1", active: false, createdAtUtcMs: utcMsOf(1) },
    { id: "K2", active: true, createdAtUtcMs: utcMsOf(2) },
  ],
]
const recordedSets = [[], ["K1"], ["K2"], ["K1", "K2"], ["GONE"], ["GONE", "K2"]]
const intents: ObservedIdentity["keyIntent"][] = [
  null,
  { before: [], replaces: false },
  { before: ["K1"], replaces: true },
  { before: ["K1", "K2"], replaces: true },
]
const keyPairs = [null, { fingerprint: "f" }, { fingerprint: "other" }]
const sshRows = [null, { fingerprint: "f", isUsable: true }, { fingerprint: "f", isUsable: false }]

describe("a plan for an identity", () => {
  test("is only to write the files, where all is well", () => {
    expect(planIdentity(whole, { rotate: false })).toEqual([{ do: "write files", accessKey: "K1" }])
  })

  test("is everything, in an order that survives a crash, where there is nothing", () => {
    const nothing: ObservedIdentity = {
      ...whole,
      ...{ user: null, inGroup: false, hasRightPolicy: false, hasLoginProfile: false, iamKeys: [] },
      ...{ keyPair: null, row: null, recordedKeys: [], recordedSshKey: null },
    }
    expect(done(planIdentity(nothing, { rotate: false }))).toEqual([
      "create user",
      "record user",
      "join group",
      "write policy",
      "set password",
      "create access key",
      "make ssh key",
      "write files",
      "end access key intent",
    ])
  })

  test("in every mixture of users, groups, policies and passwords, adds exactly what is missing", () => {
    for (const user of users)
      for (const inGroup of booleans)
        for (const hasRightPolicy of booleans)
          for (const hasLoginProfile of booleans)
            for (const row of [null, { password: null }, { password: "p" }])
              for (const passwordIntent of [null, { password: "q" }]) {
                const observed = {
                  ...whole,
                  user,
                  inGroup,
                  hasRightPolicy,
                  hasLoginProfile,
                  row,
                  passwordIntent,
                }
                const steps = planIdentity(observed, { rotate: false })
                const set = steps.find((step) => step.do === "set password")
                expect(done(steps).includes("create user")).toBe(user === null)
                expect(done(steps).includes("tag user")).toBe(user?.isTagged === false)
                expect(done(steps).includes("record user")).toBe(row === null)
                expect(done(steps).includes("join group")).toBe(!inGroup)
                expect(done(steps).includes("write policy")).toBe(!hasRightPolicy)
                if (passwordIntent) expect(set).toMatchObject({ password: "q" })
                else if (hasLoginProfile && row?.password) expect(set).toBeUndefined()
                else
                  expect(set).toMatchObject({
                    how: hasLoginProfile ? "update" : "create",
                    password: hasLoginProfile ? null : (row?.password ?? null),
                  })
              }
  })

  test("in every mixture of access keys, ends with one in use, never has more than two, nor a moment without", () => {
    let mixtures = 0
    for (const iamKeys of iamKeySets)
      for (const ids of recordedSets)
        for (const keyIntent of intents)
          for (const rotate of booleans) {
            mixtures++
            const recordedKeys = ids.map((id) => ({ id, secret: "s" }))
            const observed = { ...whole, iamKeys, recordedKeys, keyIntent }
            const after = carriedOut(observed, planIdentity(observed, { rotate }))
            expect(after.working).toBeGreaterThan(0)
            expect(after.lowest.working).toBeGreaterThan(0)
            expect(after.recorded.every((id) => after.keys.some((key) => key.id === id))).toBe(true)
            if (rotate) expect(after.keys).toHaveLength(1)
            // Once more changes nothing.
            const again = {
              ...observed,
              iamKeys: after.keys,
              recordedKeys: after.recorded.map((id) => ({ id, secret: "s" })),
              keyIntent: null,
            }
            expect(done(planIdentity(again, { rotate: false }))).toEqual(["write files"])
          }
    expect(mixtures).toBe(6 * 6 * 4 * 2)
  })

  test("in every mixture of SSH keys, ends with the key pair that is recorded", () => {
    for (const keyPair of keyPairs)
      for (const recordedSshKey of sshRows) {
        const observed = { ...whole, keyPair, recordedSshKey }
        const steps = planIdentity(observed, { rotate: false })
        expect(carriedOut(observed, steps).keyPair).toBe("f")
        // A private half that the student has is never thrown away.
        if (recordedSshKey?.isUsable) expect(done(steps)).not.toContain("make ssh key")
      }
  })

  test("deletes a key that an interrupted run made, and leaves one that the student made", () => {
    const observed = {
      ...whole,
      iamKeys: [
        { id: "K1", active: true, createdAtUtcMs: utcMsOf(1) },
        { id: "X", active: true, createdAtUtcMs: utcMsOf(2) },
      ],
    }
    expect(done(planIdentity(observed, { rotate: false }))).toEqual(["write files"])
    const interrupted = { ...observed, keyIntent: { before: ["K1"], replaces: true } }
    expect(planIdentity(interrupted, { rotate: false })[0]).toMatchObject({
      do: "delete access key",
      id: "X",
    })
  })

  test("says of a key made by hand that it is one before a rotation deletes it", () => {
    const observed = {
      ...whole,
      iamKeys: [
        { id: "K1", active: true, createdAtUtcMs: utcMsOf(1) },
        { id: "X", active: true, createdAtUtcMs: utcMsOf(2) },
      ],
    }
    const deleted = planIdentity(observed, { rotate: true }).filter(
      ({ do: what }) => what === "delete access key",
    )
    expect(deleted.map((step) => "because" in step && step.because)).toEqual([
      "AWS allows two, and this makes room; it is one made by hand and not by ec2-util",
      "it is replaced",
    ])
  })

  test("finishes a rotation that was interrupted after the new key was recorded", () => {
    const interrupted: ObservedIdentity = {
      ...whole,
      iamKeys: [
        { id: "K1", active: true, createdAtUtcMs: utcMsOf(1) },
        { id: "K2", active: true, createdAtUtcMs: utcMsOf(2) },
      ],
      recordedKeys: [
        { id: "K1", secret: "s" },
        { id: "K2", secret: "t" },
      ],
      keyIntent: { before: ["K1"], replaces: true },
    }
    for (const rotate of booleans) {
      expect(planIdentity(interrupted, { rotate })).toEqual([
        { do: "verify access key", id: "K2" },
        { do: "write files", accessKey: "K2" },
        { do: "delete access key", id: "K1", because: "it is replaced" },
        { do: "end access key intent" },
      ])
    }
  })

  test("legacy defect: rotating deleted every key before it made one", () => {
    const steps = done(planIdentity(whole, { rotate: true }))
    expect(steps.indexOf("create access key")).toBeLessThan(steps.indexOf("write files"))
    expect(steps.indexOf("write files")).toBeLessThan(steps.indexOf("delete access key"))
  })
})
