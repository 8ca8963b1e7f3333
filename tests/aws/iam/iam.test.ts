/** IAM's adapter against moto. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import {
  AttachUserPolicyCommand,
  CreatePolicyCommand,
  CreateVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  UpdateAccountPasswordPolicyCommand,
} from "@aws-sdk/client-iam"
import { openAws } from "../../../lib/aws/aws.ts"
import type { Iam } from "../../../lib/aws/iam/interfaces.ts"
import { settingsFor } from "../../support/aws_settings.ts"
import { type Emulator, startEmulator } from "../../support/emulator.ts"

const login = "cs61c-aa"
const policy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: "ec2:Describe*", Resource: "*", Condition: { StringEquals: { a: "ü & +%" } } },
  ],
})

let emulator: Emulator
let iam: Iam
beforeAll(async () => {
  emulator = await startEmulator()
})
afterAll(() => emulator.stop())
beforeEach(async () => {
  await emulator.reset()
  iam = await openAws(() => settingsFor(emulator.endpoint)).iam()
  await iam.createUser(login, "/cs61c/", { course: "cs61c" })
})

describe("users", () => {
  test("are made, found, listed by path and deleted", async () => {
    await iam.createUser("other", "/other/", {})
    expect(await iam.user(login)).toMatchObject({ name: login, path: "/cs61c/", tags: { course: "cs61c" } })
    expect((await iam.users("/cs61c/")).map(({ name }) => name)).toEqual([login])
    expect(await iam.users()).toHaveLength(2)
    await iam.tagUser(login, { term: "fall" })
    expect(await iam.userTags(login)).toEqual({ course: "cs61c", term: "fall" })
    await iam.deleteUser(login)
    await iam.deleteUser(login)
    expect(await iam.user(login)).toBeNull()
  })

  test("of more than a page are all listed", async () => {
    for (let index = 0; index < 120; index++) await iam.createUser(`cs61c-${index}`, "/cs61c/", {})
    expect(await iam.users("/cs61c/")).toHaveLength(121)
  })

  test("are not made twice", async () => {
    const error = await iam.createUser(login, "/cs61c/", {}).catch((thrown) => thrown)
    expect(error.code).toBe("EntityAlreadyExists")
    expect(error.mayHaveHappened).toBe(false)
  })

  test("join and leave groups", async () => {
    expect(await iam.group("students")).toBeNull()
    await iam.createGroup("students")
    expect((await iam.group("students"))?.arn).toEndWith(":group/students")
    await iam.addToGroup(login, "students")
    await iam.addToGroup(login, "students")
    expect(await iam.groupsOf(login)).toEqual(["students"])
    await iam.removeFromGroup(login, "students")
    await iam.removeFromGroup(login, "students")
    expect(await iam.groupsOf(login)).toEqual([])
  })
})

describe("policies", () => {
  test("come back as they were written", async () => {
    await iam.createGroup("students")
    await iam.putGroupPolicy("students", "students", policy)
    expect(JSON.parse((await iam.groupPolicy("students", "students")) ?? "")).toEqual(JSON.parse(policy))
    expect(await iam.groupPolicies("students")).toEqual(["students"])
    expect(await iam.groupPolicy("students", "none")).toBeNull()
    await iam.putUserPolicy(login, `${login}-user`, policy)
    expect(JSON.parse((await iam.userPolicy(login, `${login}-user`)) ?? "")).toEqual(JSON.parse(policy))
    expect(await iam.userPolicies(login)).toEqual([`${login}-user`])
    await iam.deleteUserPolicy(login, `${login}-user`)
    await iam.deleteUserPolicy(login, `${login}-user`)
    expect(await iam.userPolicy(login, `${login}-user`)).toBeNull()
  })

  test("that are attached are listed and detached", async () => {
    const { Policy } = await emulator.iam.send(
      new CreatePolicyCommand({ PolicyName: "p", PolicyDocument: policy }),
    )
    await emulator.iam.send(new AttachUserPolicyCommand({ UserName: login, PolicyArn: Policy?.Arn }))
    const [attached] = await iam.attachedPolicies(login)
    expect(attached).toEqual({ name: "p", arn: Policy?.Arn ?? "" })
    await iam.detachPolicy(login, attached?.arn ?? "")
    expect(await iam.attachedPolicies(login)).toEqual([])
  })

  test("are simulated", async () => {
    await iam.putUserPolicy(login, "p", policy.replace(/,"Condition":{.*?}}/, ""))
    const arn = (await iam.user(login))?.arn ?? ""
    expect(await iam.simulate(arn, ["ec2:DescribeInstances", "ec2:RunInstances"])).toEqual([
      { action: "ec2:DescribeInstances", allowed: true },
      { action: "ec2:RunInstances", allowed: false },
    ])
  })
})

describe("credentials", () => {
  test("access keys: two at most, inactive, active, gone", async () => {
    const first = await iam.createAccessKey(login)
    const second = await iam.createAccessKey(login)
    expect(first.secret).not.toBe("")
    expect((await iam.createAccessKey(login).catch((error) => error)).code).toBe("LimitExceeded")
    await iam.setAccessKeyActive(login, first.id, false)
    const keys = await iam.accessKeys(login)
    expect(keys.find(({ id }) => id === first.id)?.active).toBe(false)
    expect(keys.find(({ id }) => id === second.id)?.active).toBe(true)
    expect(keys[0]?.createdAtUtcMs).toBeGreaterThan(0)
    await iam.deleteAccessKey(login, first.id)
    await iam.deleteAccessKey(login, first.id)
    expect((await iam.accessKeys(login)).map(({ id }) => id)).toEqual([second.id])
  })

  test("login profiles", async () => {
    expect(await iam.hasLoginProfile(login)).toBe(false)
    await iam.createLoginProfile(login, "Correct-Horse-9-Battery")
    expect(await iam.hasLoginProfile(login)).toBe(true)
    await iam.updateLoginProfile(login, "Another-Horse-9-Battery")
    await iam.deleteLoginProfile(login)
    await iam.deleteLoginProfile(login)
    expect(await iam.hasLoginProfile(login)).toBe(false)
  })

  test("the account's password policy", async () => {
    expect(await iam.passwordPolicy()).toBeNull()
    await emulator.iam.send(
      new UpdateAccountPasswordPolicyCommand({ MinimumPasswordLength: 14, RequireSymbols: true }),
    )
    expect(await iam.passwordPolicy()).toMatchObject({
      minimumLength: 14,
      requireSymbols: true,
      requireNumbers: false,
    })
  })

  test("a virtual MFA device is deactivated and deleted", async () => {
    const { VirtualMFADevice } = await emulator.iam.send(
      new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: login }),
    )
    const serial = VirtualMFADevice?.SerialNumber ?? ""
    await emulator.iam.send(
      new EnableMFADeviceCommand({
        UserName: login,
        SerialNumber: serial,
        AuthenticationCode1: "123456",
        AuthenticationCode2: "234567",
      }),
    )
    expect(await iam.mfaDevices(login)).toEqual([serial])
    await iam.removeMfaDevice(login, serial)
    await iam.removeMfaDevice(login, serial)
    expect(await iam.mfaDevices(login)).toEqual([])
  })

  test("what a user has none of is an empty list", async () => {
    expect(await iam.signingCertificates(login)).toEqual([])
    expect(await iam.sshPublicKeys(login)).toEqual([])
  })

  test("whose they are, and whether they work", async () => {
    expect(await iam.callerArn()).toStartWith("arn:aws:")
    const { id, secret } = await iam.createAccessKey(login)
    await emulator.proxy.advance(60_000)
    expect(await iam.accessKeyWorks(id, secret)).toBe(true)
  })
})
