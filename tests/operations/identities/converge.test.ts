/** `--init` and `--rotate-secret` on a real emulator, database and home, from mixtures of what they may hold. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { CreateKeyPairCommand, DeleteKeyPairCommand, DescribeKeyPairsCommand } from "@aws-sdk/client-ec2"
import {
  AddUserToGroupCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteLoginProfileCommand,
  DeleteUserPolicyCommand,
  GetUserCommand,
  ListAccessKeysCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  UpdateAccessKeyCommand,
} from "@aws-sdk/client-iam"
import type { Iam } from "../../../lib/aws/iam/interfaces.ts"
import type { Aws } from "../../../lib/aws/interfaces.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { convergeIdentity } from "../../../lib/operations/identities/converge.ts"
import type { IdentityDeps } from "../../../lib/operations/identities/deps.ts"
import { type Emulator, startEmulator } from "../../support/emulator.ts"
import { type IdentityWorld, identityWorld, keysInHome, mutations } from "../../support/identities.ts"

const login = "cs61c-ab"
const keyName = `${login}-default`
let emulator: Emulator
let world: IdentityWorld
let deps: IdentityDeps
beforeEach(async () => {
  emulator = await startEmulator()
  world = await identityWorld(emulator)
  deps = world.deps(login)
})
afterEach(async () => {
  world.close()
  await emulator.stop()
})

const init = (changes: Partial<IdentityDeps> = {}) => convergeIdentity({ ...deps, ...changes })
const rotate = (changes: Partial<IdentityDeps> = {}) =>
  convergeIdentity({ ...deps, ...changes }, { rotate: true })
const iamKeys = async () =>
  (await emulator.iam.send(new ListAccessKeysCommand({ UserName: login }))).AccessKeyMetadata ?? []
const keyPairs = async () =>
  (await emulator.ec2.send(new DescribeKeyPairsCommand({}))).KeyPairs?.map(({ KeyName }) => KeyName) ?? []

/** What must hold after every `--init`, whatever was before it. */
async function expectWhole(): Promise<void> {
  const [row] = [deps.usersDb.users.get(login)]
  expect(row?.password).toBeTruthy()
  const keys = await iamKeys()
  const recorded = deps.usersDb.accessKeys.ofUser(login).map(({ id }) => id)
  const inFiles = new Set(Object.values(keysInHome(world.course.home(login))))
  expect(inFiles.size).toBe(1)
  const [used] = inFiles
  expect(recorded).toContain(used ?? "")
  expect(keys.find(({ AccessKeyId }) => AccessKeyId === used)?.Status).toBe("Active")
  expect(recorded.every((id) => keys.some(({ AccessKeyId }) => AccessKeyId === id))).toBe(true)
  expect(await keyPairs()).toContain(keyName)
  expect(deps.usersDb.sshKeys.get(login, keyName)?.privateKey).toContain("PRIVATE KEY")
  expect(deps.usersDb.intents.get(login, "access key")).toBeNull()
  expect(deps.usersDb.intents.get(login, "password")).toBeNull()
  mutations(emulator)
  await init()
  expect(mutations(emulator)).toEqual([])
}

describe("--init", () => {
  test("makes everything, and a second run makes no call that changes anything", async () => {
    expect(await init()).toMatchObject({ isNew: true, madeSshKey: true })
    await expectWhole()
    const { User } = await emulator.iam.send(new GetUserCommand({ UserName: login }))
    expect(User?.Path).toBe("/cs61c/")
    expect(User?.Tags).toEqual([
      { Key: "ec2-wrappers:owner", Value: login },
      { Key: "ec2-wrappers:course", Value: "cs61c" },
    ])
  })

  const damages: Record<string, () => Promise<unknown> | unknown> = {
    "no group": () =>
      emulator.iam.send(new RemoveUserFromGroupCommand({ UserName: login, GroupName: "students" })),
    "no policy": () =>
      emulator.iam.send(new DeleteUserPolicyCommand({ UserName: login, PolicyName: `${login}-user` })),
    "the old policy": () =>
      emulator.iam.send(
        new PutUserPolicyCommand({
          UserName: login,
          PolicyName: `${login}-user`,
          PolicyDocument:
            '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
        }),
      ),
    "no login profile": () => emulator.iam.send(new DeleteLoginProfileCommand({ UserName: login })),
    "no rows": () => deps.usersDb.users.remove(login),
    "no access key row": () => {
      for (const { id } of deps.usersDb.accessKeys.ofUser(login)) deps.usersDb.accessKeys.remove(id)
    },
    "a stale access key row": () => deps.usersDb.accessKeys.add(login, { id: "AKIASTALE", secret: "s" }),
    "an inactive key": async () => {
      for (const { AccessKeyId } of await iamKeys())
        await emulator.iam.send(
          new UpdateAccessKeyCommand({ UserName: login, AccessKeyId, Status: "Inactive" }),
        )
    },
    "a second key": () => emulator.iam.send(new CreateAccessKeyCommand({ UserName: login })),
    "no key pair": () => emulator.ec2.send(new DeleteKeyPairCommand({ KeyName: keyName })),
    "no key pair row": () => deps.usersDb.sshKeys.remove(keyName),
    "no files": () => rmSync(join(world.course.home(login), ".aws"), { recursive: true }),
  }
  // One at a time, and two: all combinations are put to the plan itself, in tests/decisions/identities/plan.test.ts.
  const names = Object.keys(damages)
  test.each(names.flatMap((name, at) => [[[name]], [[name, names[(at + 5) % names.length] ?? ""]]]))(
    "mends %p",
    async (damaged) => {
      await init()
      for (const name of damaged) await damages[name]?.()
      await init()
      await expectWhole()
    },
  )

  test("adopts a user of the old tools: at /, without tags, with its password and keys", async () => {
    await emulator.iam.send(new CreateUserCommand({ UserName: login }))
    await emulator.iam.send(new AddUserToGroupCommand({ UserName: login, GroupName: "students" }))
    const { AccessKey } = await emulator.iam.send(new CreateAccessKeyCommand({ UserName: login }))
    const { KeyMaterial, KeyFingerprint } = await emulator.ec2.send(
      new CreateKeyPairCommand({ KeyName: keyName }),
    )
    deps.usersDb.users.add({
      login,
      createdAt: "2010-09-01T00:00:00",
      createdBy: "cs61c",
      password: "old-Pa55word",
    })
    deps.usersDb.accessKeys.add(login, {
      id: AccessKey?.AccessKeyId ?? "",
      secret: AccessKey?.SecretAccessKey ?? "",
    })
    deps.usersDb.sshKeys.put(login, {
      name: keyName,
      privateKey: KeyMaterial ?? "",
      publicKey: null,
      fingerprint: KeyFingerprint ?? "",
    })
    expect(await init()).toMatchObject({ isNew: false, madeSshKey: false })
    await expectWhole()
    const { User } = await emulator.iam.send(new GetUserCommand({ UserName: login }))
    expect(User).toMatchObject({ Path: "/", Tags: [{ Value: login }, { Value: "cs61c" }] })
    expect(deps.usersDb.users.get(login)?.password).toBe("old-Pa55word")
    expect((await iamKeys()).map(({ AccessKeyId }) => AccessKeyId)).toEqual([AccessKey?.AccessKeyId])
  })

  test("gives EC2 the recorded key back, rather than the student a new one", async () => {
    await init()
    const before = deps.usersDb.sshKeys.get(login, keyName)
    await emulator.ec2.send(new DeleteKeyPairCommand({ KeyName: keyName }))
    await init()
    expect(deps.usersDb.sshKeys.get(login, keyName)?.privateKey).toBe(before?.privateKey ?? "")
    expect(await keyPairs()).toContain(keyName)
  })

  test.each([
    [
      "another course's",
      { UserName: login, Tags: [{ Key: "ec2-wrappers:course", Value: "cs161" }] },
      "belongs to the course cs161",
    ],
    ["at another path", { UserName: login, Path: "/admins/" }, "is at /admins/"],
    [
      "tagged as another's",
      { UserName: login, Tags: [{ Key: "ec2-wrappers:owner", Value: "cs61c-a" }] },
      "belongs to cs61c-a",
    ],
  ])("leaves a user alone that is %s", async (_whose, user, reason) => {
    await emulator.iam.send(new CreateUserCommand(user))
    mutations(emulator)
    await expect(init()).rejects.toThrow(reason)
    await init().catch(() => {})
    expect(mutations(emulator)).toEqual([])
  })

  test("is refused while the login is suspended, and so is a new secret", async () => {
    await init()
    mutations(emulator)
    const suspension = () => "crypto mining"
    await expect(init({ suspension })).rejects.toThrow("is suspended (crypto mining)")
    await expect(rotate({ suspension })).rejects.toThrow("is suspended (crypto mining)")
    expect(mutations(emulator)).toEqual([])
  })

  test("undoes a key that it made while the login was being suspended", async () => {
    await init()
    const before = (await iamKeys()).map(({ AccessKeyId }) => AccessKeyId)
    let asked = 0
    const suspension = () => (asked++ === 0 ? null : "crypto mining")
    await expect(rotate({ suspension })).rejects.toThrow("is suspended")
    expect((await iamKeys()).map(({ AccessKeyId }) => AccessKeyId)).toEqual(before)
  })

  test("says that staff must run setup where the group is missing, before it makes anything", async () => {
    world.course.configure({ course: { iam_group: "nowhere" } })
    mutations(emulator)
    await expect(convergeIdentity(world.deps(login))).rejects.toThrow("staff must run setup")
    expect(mutations(emulator)).toEqual([])
  })

  test("writes no secret into the audit log", async () => {
    await init()
    await rotate()
    const log = readFileSync(join(world.course.dataDir, "audit-log"), "utf8")
    const secrets = [
      ...deps.usersDb.accessKeys.ofUser(login).map(({ secret }) => secret),
      deps.usersDb.users.get(login)?.password ?? "?",
      "PRIVATE KEY",
    ]
    expect(secrets.filter((secret) => log.includes(secret))).toEqual([])
    expect(log).toMatch(/: cs61c-ab: identity: create an access key\n/)
    expect(log).toMatch(/: cs61c-ab: identity: done: create an access key \(request \S+\)\n/)
  })
})

describe("where the home cannot be written", () => {
  const full = (): IdentityDeps["home"] => ({
    ...deps.home,
    write(path) {
      if (path === ".s3cfg") throw new Error("no space left")
      deps.home.write(path, "x")
    },
  })

  test("what --init made at AWS is undone", async () => {
    await expect(init({ home: full() })).rejects.toThrow("no space left")
    await expect(emulator.iam.send(new GetUserCommand({ UserName: login }))).rejects.toThrow()
    expect(await keyPairs()).toEqual([])
    expect(deps.usersDb.users.logins()).toEqual([])
    await init()
    await expectWhole()
  })

  test("nothing is made where it can be known before", async () => {
    mutations(emulator)
    const home = {
      ...deps.home,
      probe: () => {
        throw new Error("quota")
      },
    }
    await expect(init({ home })).rejects.toThrow("quota")
    expect(mutations(emulator)).toEqual([])
  })

  test("rotating leaves the old key, in AWS, in the database and in every file", async () => {
    await init()
    const before = { files: keysInHome(world.course.home(login)), keys: await iamKeys() }
    let failed = false
    const home: IdentityDeps["home"] = {
      ...deps.home,
      write(path, content, options) {
        if (path === ".s3cfg" && !failed) {
          failed = true
          throw new Error("no space left")
        }
        deps.home.write(path, content, options)
      },
    }
    await expect(rotate({ home })).rejects.toThrow("no space left")
    expect(keysInHome(world.course.home(login))).toEqual(before.files)
    expect((await iamKeys()).map(({ AccessKeyId }) => AccessKeyId)).toEqual(
      before.keys.map(({ AccessKeyId }) => AccessKeyId),
    )
    await expectWhole()
  })

  test("and not put back either, both keys go on working until the next run", async () => {
    await init()
    const home: IdentityDeps["home"] = {
      ...deps.home,
      write(path, content, options) {
        if (path === "ec2-environment.sh" && !String(content).includes(oldKey)) {
          deps.home.write(path, content, options)
          return
        }
        throw new Error("no space left")
      },
    }
    const oldKey = deps.usersDb.accessKeys.ofUser(login)[0]?.id ?? ""
    await rotate({ home }).catch((error) => expect(String(error)).toContain("no space left"))
    const active = (await iamKeys()).filter(({ Status }) => Status === "Active").map((key) => key.AccessKeyId)
    for (const key of Object.values(keysInHome(world.course.home(login)))) expect(active).toContain(key ?? "")
    await init()
    await expectWhole()
  })
})

describe("--rotate-secret", () => {
  /** IAM that knows a key only after it was asked a few times. */
  const slowIam = (timesUnknown: number): { aws: Aws; asked: () => number } => {
    let asked = 0
    const aws: Aws = {
      ...deps.aws,
      iam: async (): Promise<Iam> => ({
        ...(await deps.aws.iam()),
        accessKeyWorks: async () => ++asked > timesUnknown,
      }),
    }
    return { aws, asked: () => asked }
  }
  /** A clock that waits for nothing. */
  const hastyClock = () => {
    let now = Date.now()
    return {
      now: () => utcMsOf(now),
      sleep: async (ms: number) => {
        now += ms
      },
    }
  }

  test("waits out IAM's eventual consistency before the old key goes", async () => {
    await init()
    const { aws, asked } = slowIam(5)
    await rotate({ aws, clock: hastyClock() })
    expect(asked()).toBeGreaterThan(5)
    await expectWhole()
    expect(await iamKeys()).toHaveLength(1)
  })

  test("keeps the old key where AWS does not come to know the new one", async () => {
    await init()
    const before = await iamKeys()
    const { aws } = slowIam(Number.POSITIVE_INFINITY)
    await expect(rotate({ aws, clock: hastyClock() })).rejects.toThrow("the old one stays")
    expect((await iamKeys()).map(({ AccessKeyId }) => AccessKeyId)).toEqual(
      before.map(({ AccessKeyId }) => AccessKeyId),
    )
    await expectWhole()
  })

  test("makes room where there are two keys, and ends with one", async () => {
    await init()
    await emulator.iam.send(new CreateAccessKeyCommand({ UserName: login }))
    const before = (await iamKeys()).map(({ AccessKeyId }) => AccessKeyId)
    await rotate()
    const after = (await iamKeys()).map(({ AccessKeyId }) => AccessKeyId)
    expect(after).toHaveLength(1)
    expect(before).not.toContain(after[0])
    await expectWhole()
  })

  test("legacy defect: a failure between deleting and making left the student without a key", async () => {
    await init()
    emulator.proxy.faults.add({
      kind: "unavailable",
      action: "CreateAccessKey",
      times: Number.POSITIVE_INFINITY,
    })
    await expect(rotate()).rejects.toThrow("create an access key")
    emulator.proxy.faults.clear()
    expect(await iamKeys()).toHaveLength(1)
    await init()
    await expectWhole()
  })

  test("legacy defect: the files in the home were not rewritten", async () => {
    await init()
    const before = keysInHome(world.course.home(login))
    await rotate()
    const after = keysInHome(world.course.home(login))
    for (const [path, key] of Object.entries(after))
      expect([path, key]).not.toEqual([path, before[path] ?? null])
  })

  test("a lost reply leaves a key that the next run deletes", async () => {
    await init()
    emulator.proxy.faults.add({ kind: "drop-after", action: "CreateAccessKey" })
    await expect(rotate()).rejects.toThrow()
    expect(await iamKeys()).toHaveLength(2)
    await init()
    expect(await iamKeys()).toHaveLength(1)
    await expectWhole()
  })
})

describe("files in the home", () => {
  const read = (path: string) => readFileSync(join(world.course.home(login), path), "utf8")
  const write = (path: string, text: string) => writeFileSync(join(world.course.home(login), path), text)

  test("are kept as NAME.old where a person changed them, and only there", async () => {
    await init()
    write(".boto", "[Boto]\ndebug = 1\n")
    await rotate()
    expect(read(".boto.old")).toBe("[Boto]\ndebug = 1\n")
    expect(read(".boto")).toContain("[Credentials]")
    expect(Object.values(keysInHome(world.course.home(login))).every(Boolean)).toBe(true)
    expect(() => read(".s3cfg.old")).toThrow()
  })

  test("of AWS's own tools keep other profiles and comments", async () => {
    mkdirSync(join(world.course.home(login), ".aws"), { mode: 0o700 })
    const mine = "# mine\n[default]\naws_access_key_id = AKIAMINE\naws_secret_access_key = x\n"
    write(".aws/credentials", mine)
    await init()
    await rotate()
    expect(read(".aws/credentials")).toStartWith(`${mine}\n[cs61c]\n`)
    expect(read(".aws/config")).toContain("[profile cs61c]\nregion = us-east-1\n")
    expect(() => read(".aws/credentials.old")).toThrow()
  })
})
