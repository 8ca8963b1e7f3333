/**
 * The least that the privileged key itself needs, by what it is for. `setup --print-policy` prints it, `doctor` asks IAM about
 * each action of it, and a test holds it against the calls that lib/aws makes.
 */
import type { Config } from "../../base/config.ts"
import { tagOf } from "../../base/instance.ts"
import { usesMode } from "./credential_mode.ts"
import { profileNameOf } from "./instance_session_denials.ts"
import type { Account, PolicyDocument, PolicyStatement } from "./policy_document.ts"
import { sessionActions, studentRoleArn } from "./student_role.ts"
import { sweepRights } from "./sweep_rights.ts"

const ec2Reading = [
  "ec2:DescribeAddresses",
  "ec2:DescribeNatGateways",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeRegions",
  "ec2:DescribeImages",
  "ec2:DescribeInstanceAttribute",
  "ec2:DescribeInstanceTypes",
  "ec2:DescribeInstances",
  "ec2:DescribeKeyPairs",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSecurityGroups",
  "ec2:DescribeSnapshots",
  "ec2:DescribeSpotInstanceRequests",
  "ec2:DescribeSpotPriceHistory",
  "ec2:DescribeSubnets",
  "ec2:DescribeVolumes",
]

const ec2Changing = [
  "ec2:AuthorizeSecurityGroupIngress",
  "ec2:CancelSpotInstanceRequests",
  "ec2:CreateKeyPair",
  "ec2:CreateSecurityGroup",
  "ec2:CreateSnapshot",
  "ec2:CreateTags",
  "ec2:CreateVolume",
  "ec2:DeleteKeyPair",
  "ec2:DeleteSecurityGroup",
  "ec2:DeleteVolume",
  "ec2:GetConsoleOutput",
  "ec2:ImportKeyPair",
  "ec2:ModifyInstanceAttribute",
  "ec2:RevokeSecurityGroupIngress",
  "ec2:RunInstances",
  "ec2:StartInstances",
  "ec2:StopInstances",
  "ec2:TerminateInstances",
]

const ofSpareGroups = [
  "ec2:DeleteSecurityGroup",
  "ec2:RevokeSecurityGroupEgress",
  "ec2:RevokeSecurityGroupIngress",
]

const ofUsers = [
  "iam:CreateAccessKey",
  "iam:CreateLoginProfile",
  "iam:CreateUser",
  "iam:DeactivateMFADevice",
  "iam:DeleteAccessKey",
  "iam:DeleteLoginProfile",
  "iam:DeleteSSHPublicKey",
  "iam:DeleteServiceSpecificCredential",
  "iam:DeleteSigningCertificate",
  "iam:DeleteUser",
  "iam:DeleteUserPolicy",
  "iam:DetachUserPolicy",
  "iam:GetLoginProfile",
  "iam:GetUser",
  "iam:GetUserPolicy",
  "iam:ListAccessKeys",
  "iam:ListAttachedUserPolicies",
  "iam:ListGroupsForUser",
  "iam:ListMFADevices",
  "iam:ListSSHPublicKeys",
  "iam:ListServiceSpecificCredentials",
  "iam:ListSigningCertificates",
  "iam:ListUserPolicies",
  "iam:ListUserTags",
  "iam:PutUserPolicy",
  "iam:TagUser",
  "iam:UpdateAccessKey",
  "iam:UpdateLoginProfile",
]

const ofGroup = [
  "iam:CreateGroup",
  "iam:DeleteGroupPolicy",
  "iam:DetachGroupPolicy",
  "iam:GetGroup",
  "iam:GetGroupPolicy",
  "iam:ListAttachedGroupPolicies",
  "iam:ListGroupPolicies",
  "iam:PutGroupPolicy",
]

/** The mark that names the course's installation; never attached to anybody. */
const ofMark = ["iam:CreatePolicy", "iam:ListPolicyTags", "iam:TagPolicy"]

/** Membership is asked of the user and of the group. */
const ofMembership = ["iam:AddUserToGroup", "iam:RemoveUserFromGroup"]

/** Only for a course whose config gives anybody sessions. */
const ofRole = [
  "iam:CreateRole",
  "iam:DeleteRolePolicy",
  "iam:DetachRolePolicy",
  "iam:GetRole",
  "iam:GetRolePolicy",
  "iam:ListAttachedRolePolicies",
  "iam:ListRolePolicies",
  "iam:PutRolePolicy",
  "iam:UntagRole",
  "iam:UpdateAssumeRolePolicy",
  "iam:UpdateRole",
  ...sessionActions,
]

/** Only for a course whose config lists instance profiles. */
const ofInstanceRoles = [
  "iam:DeleteRolePolicy",
  "iam:GetRolePolicy",
  "iam:ListRolePolicies",
  "iam:PutRolePolicy",
]

const ofAccount = [
  "cloudtrail:LookupEvents",
  "iam:GetAccountPasswordPolicy",
  "iam:ListUsers",
  "pricing:GetProducts",
  "servicequotas:ListServiceQuotas",
]

/**
 * The document for a course. Users are bound to the course's IAM path, and to logins at `/`, where the old tools made them.
 * `id` may be "*": a policy holds in its own account only.
 */
export function privilegedPolicy(config: Config, { partition, id }: Account): PolicyDocument {
  const iam = (resource: string) => `arn:${partition}:iam::${id}:${resource}`
  const { name, accounts, staff, iamGroup } = config.course
  const users = [...new Set([`${name}/*`, ...accounts, ...staff])].map((path) => iam(`user/${path}`))
  const group = iam(`group/${iamGroup}`)
  return {
    Version: "2012-10-17",
    Statement: [
      allow("ReadEc2", ec2Reading, ["*"]),
      allow("ChangeEc2", ec2Changing, [
        // Images, and what we look up rather than make, belong to nobody's account.
        `arn:${partition}:ec2:*:${id}:*`,
        `arn:${partition}:ec2:*::image/*`,
        `arn:${partition}:ec2:*::snapshot/*`,
      ]),
      {
        ...allow("SpareGroups", ofSpareGroups, [`arn:${partition}:ec2:*:${id}:security-group/*`]),
        // Only students' groups carry it: staff's own are nobody's to delete.
        Condition: { Null: { [`aws:ResourceTag/${tagOf.owner}`]: "false" } },
      },
      // Their ARNs name no account.
      allow("DeleteSnapshots", ["ec2:DeleteSnapshot"], [`arn:${partition}:ec2:*::snapshot/*`]),
      allow("ImagesByName", ["ssm:GetParameter"], parameterArns(config, { partition, id })),
      allow("Students", ofUsers, users),
      allow("StudentsGroup", ofGroup, [group]),
      allow("Membership", ofMembership, [...users, group]),
      ...(usesMode(config, "sessions")
        ? [allow("SessionsRole", ofRole, [studentRoleArn({ partition, id }, name)])]
        : []),
      allow("HandOverList", ["s3:ListBucket"], [`arn:${partition}:s3:::${config.course.bucket}`]),
      allow("Sweep", sweepRights, ["*"]),
      allow(
        "HandOver",
        ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        [`arn:${partition}:s3:::${config.course.bucket}/*`],
      ),
      ...auditHeads(config, partition),
      allow("CourseMark", ofMark, [iam(`policy/${name}/*`)]),
      allow("VirtualMfa", ["iam:DeleteVirtualMFADevice"], [iam("mfa/*")]),
      allow("Account", ofAccount, ["*"]),
      allow("Doctor", ["iam:SimulatePrincipalPolicy"], [iam("user/*"), iam("role/*")]),
      ...handingOver(config, { partition, id }),
    ],
  }
}

/** Only for a course whose config names a bucket for the audit log's heads: written and read, never deleted. */
function auditHeads({ audit }: Config, partition: string): PolicyStatement[] {
  if (audit.bucket === null) return []
  const bucket = `arn:${partition}:s3:::${audit.bucket}`
  const actions = [
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetObject",
    "s3:GetObjectRetention",
    "s3:GetObjectVersion",
    "s3:ListBucketVersions",
    "s3:PutObject",
    "s3:PutObjectRetention",
  ]
  return [allow("AuditHeads", actions, [bucket, `${bucket}/audit/*`])]
}

/** Every action in a document, for asking about each. */
export function actionsOf({ Statement }: PolicyDocument): string[] {
  return [...new Set(Statement.flatMap(({ Action }) => Action))].sort()
}

function parameterArns({ launch }: Config, { partition, id }: Account): string[] {
  const listed = launch.ssmParameters.map(
    (name) => `arn:${partition}:ssm:*:${id}:parameter/${name.replace(/^\//, "")}`,
  )
  return [`arn:${partition}:ssm:*:*:parameter/aws/service/*`, ...listed]
}

/** Roles that are handed to AWS's services, only where the config names them. */
function handingOver({ leases, launch }: Config, { partition, id }: Account): PolicyStatement[] {
  const statements: PolicyStatement[] = []
  if (leases.schedulerRole) {
    statements.push(
      allow(
        "Schedules",
        ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule"],
        [`arn:${partition}:scheduler:*:${id}:schedule/*`],
      ),
      passing("SchedulerRole", [leases.schedulerRole], "scheduler.amazonaws.com"),
    )
  }
  if (launch.instanceProfiles.length > 0) {
    // Where a profile was made with its role, as the console does, both have one name.
    const names = launch.instanceProfiles.map(profileNameOf)
    const roles = names.map((name) => `arn:${partition}:iam::${id}:role/${name}`)
    const profiles = names.map((name) => `arn:${partition}:iam::${id}:instance-profile/${name}`)
    statements.push(
      passing("InstanceRoles", roles, "ec2.amazonaws.com"),
      allow("InstanceProfiles", ["iam:GetInstanceProfile"], profiles),
      // A suspension denies the role to the suspended login's instances.
      allow("InstanceSessions", ofInstanceRoles, roles),
    )
  }
  return statements
}

function allow(sid: string, actions: string[], resources: string[]): PolicyStatement {
  return { Sid: sid, Effect: "Allow", Action: actions, Resource: resources }
}

function passing(sid: string, roles: string[], service: string): PolicyStatement {
  return {
    ...allow(sid, ["iam:PassRole"], roles),
    Condition: { StringEquals: { "iam:PassedToService": service } },
  }
}
