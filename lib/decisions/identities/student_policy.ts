/**
 * What students may do at AWS with their own keys or sessions: a list of what is allowed, by exact names; IAM denies all else.
 * Launching, starting, resizing and whatever else costs money is not in it: for that they have `ec2-run` and `ec2-active`.
 *
 * One document serves both kinds of principal, the IAM users of the students' group and the sessions of the students' role. It
 * goes by the owner tag of whoever asks, which `setup` and `ec2_util` give to users and AssumeRole to sessions. A principal
 * without that tag gets nothing. A user's own policy names what only an IAM user has: access keys and a password.
 */
import { tagOf } from "../../base/instance.ts"
import type { Account, PolicyDocument, PolicyStatement } from "./policy_document.ts"

/** The name of the shared document, inline in the group and in the role. */
export const studentPolicyName = "student-policy"

/** As the old tools named it, so that theirs is replaced. */
export function userPolicyName(login: string): string {
  return `${login}-user`
}

const ownerKey = `aws:PrincipalTag/${tagOf.owner}`
/** IAM's policy variable. Where the principal lacks the tag it has no value, and matches nothing. */
const self = `\${${ownerKey}}`
const isOwn = { StringEquals: { [`aws:ResourceTag/${tagOf.owner}`]: self } }
/** For what names no owner: it must not be left to a principal that has none. */
const hasOwner = { Null: { [ownerKey]: "false" } }

/**
 * Reading that shows nobody's user data and no secrets. Left out on purpose: DescribeLaunchTemplateVersions,
 * DescribeSpotInstanceRequests and DescribeSpotFleetRequests (their replies hold user data, and IAM cannot bind them to an
 * owner), DescribeVpnConnections (pre-shared keys), DescribeBundleTasks (signed uploads).
 */
const reading = [
  "ec2:DescribeAccountAttributes",
  "ec2:DescribeAddresses",
  "ec2:DescribeAvailabilityZones",
  "ec2:DescribeImages",
  "ec2:DescribeInstanceCreditSpecifications",
  "ec2:DescribeInstanceStatus",
  "ec2:DescribeInstanceTypeOfferings",
  "ec2:DescribeInstanceTypes",
  "ec2:DescribeInstances",
  "ec2:DescribeInternetGateways",
  "ec2:DescribeKeyPairs",
  "ec2:DescribeNetworkAcls",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribePlacementGroups",
  "ec2:DescribeRegions",
  "ec2:DescribeRouteTables",
  "ec2:DescribeSecurityGroupRules",
  "ec2:DescribeSecurityGroups",
  "ec2:DescribeSnapshots",
  "ec2:DescribeSpotPriceHistory",
  "ec2:DescribeSubnets",
  "ec2:DescribeTags",
  "ec2:DescribeVolumeStatus",
  "ec2:DescribeVolumes",
  "ec2:DescribeVpcs",
]

/**
 * The policy of group and role. IAM allows 5,120 characters, white space not counted, for all inline policies of a group together.
 *
 * @param bucket the course's S3 bucket: each login has the objects below `BUCKET/LOGIN/`. PutObjectAcl is not allowed, so that
 *   nothing can be made public.
 * @param tagKeys those of [launch.tags], which hadoop-ec2 puts on security groups with the student's own rights.
 */
export function studentPolicy(
  { partition, id }: Account,
  bucket: string,
  tagKeys: readonly string[],
): PolicyDocument {
  const arn = (resource: string) => `arn:${partition}:ec2:*:${id}:${resource}`
  const bucketArn = `arn:${partition}:s3:::${bucket}`
  return {
    Version: "2012-10-17",
    Statement: [
      { Sid: "Read", Effect: "Allow", Action: reading, Resource: ["*"], Condition: hasOwner },
      {
        Sid: "OwnInstances",
        Effect: "Allow",
        Action: [
          "ec2:TerminateInstances",
          "ec2:StopInstances",
          "ec2:RebootInstances",
          "ec2:GetConsoleOutput",
          "ec2:DescribeInstanceAttribute",
          "ec2:GetLaunchTemplateData",
          "ec2:AttachVolume",
          "ec2:DetachVolume",
        ],
        Resource: [arn("instance/*")],
        Condition: isOwn,
      },
      {
        // What ec2-run made for a cluster's storage.
        Sid: "OwnVolumes",
        Effect: "Allow",
        Action: ["ec2:AttachVolume", "ec2:DeleteVolume"],
        Resource: [arn("volume/*")],
        Condition: isOwn,
      },
      {
        // An instance's own volumes carry its lease: taken off, a root volume would outlive instance and lease, and cost.
        Sid: "DetachStorage",
        Effect: "Allow",
        Action: ["ec2:DetachVolume"],
        Resource: [arn("volume/*")],
        Condition: { ...isOwn, Null: { [`aws:ResourceTag/${tagOf.leaseEnd}`]: "true" } },
      },
      {
        // No other tag of ours: the policy trusts them, and so do searches for instances.
        Sid: "MakeGroupsTaggedAsOwn",
        Effect: "Allow",
        Action: ["ec2:CreateSecurityGroup"],
        Resource: [arn("security-group/*")],
        Condition: ownTagAtCreation(tagKeys),
      },
      {
        // The network that a group is made in is a resource of the request as well, and carries no tags of it.
        Sid: "MakeGroupsInNetworks",
        Effect: "Allow",
        Action: ["ec2:CreateSecurityGroup"],
        Resource: [arn("vpc/*")],
        Condition: hasOwner,
      },
      {
        // Without ec2:CreateAction, this would let anybody take over what is not theirs by tagging it.
        Sid: "TagGroupsOnlyAtCreation",
        Effect: "Allow",
        Action: ["ec2:CreateTags"],
        Resource: [arn("security-group/*")],
        Condition: {
          ...ownTagAtCreation(tagKeys),
          StringEquals: {
            ...ownTagAtCreation(tagKeys).StringEquals,
            "ec2:CreateAction": "CreateSecurityGroup",
          },
        },
      },
      {
        Sid: "OwnGroups",
        Effect: "Allow",
        Action: [
          "ec2:AuthorizeSecurityGroupEgress",
          "ec2:AuthorizeSecurityGroupIngress",
          "ec2:DeleteSecurityGroup",
          "ec2:RevokeSecurityGroupEgress",
          "ec2:RevokeSecurityGroupIngress",
        ],
        Resource: [arn("security-group/*")],
        Condition: isOwn,
      },
      ...objectStatements(bucketArn, self, hasOwner),
    ],
  }
}

/** The owner's tag must be there and be the caller's; besides it, only what names a cluster. */
const ownTagAtCreation = (tagKeys: readonly string[]) => ({
  StringEquals: { [`aws:RequestTag/${tagOf.owner}`]: self },
  "ForAllValues:StringEquals": {
    "aws:TagKeys": [tagOf.owner, tagOf.course, tagOf.cluster, tagOf.clusterRoles, "Name", ...tagKeys],
  },
})

/** S3 below `BUCKET/OWNER/`; listing by a prefix that ends with the slash. */
function objectStatements(
  bucketArn: string,
  owner: string,
  find: PolicyStatement["Condition"],
): PolicyStatement[] {
  return [
    {
      Sid: "OwnObjects",
      Effect: "Allow",
      Action: [
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
      ],
      Resource: [`${bucketArn}/${owner}/*`],
    },
    {
      // The slash: "LOGIN*" would list the objects of cs61c-ab for cs61c-a.
      Sid: "ListOwnObjects",
      Effect: "Allow",
      Action: ["s3:ListBucket"],
      Resource: [bucketArn],
      Condition: { StringLike: { "s3:prefix": [`${owner}/*`] } },
    },
    {
      Sid: "FindBucket",
      Effect: "Allow",
      Action: ["s3:GetBucketLocation"],
      Resource: [bucketArn],
      ...(find && { Condition: find }),
    },
  ]
}

/**
 * An IAM user's own policy: its access keys and password, which a session does not have, and S3 by name. S3 stands here, too, so
 * that users go on where `setup` has not yet written the shared document.
 */
export function userPolicy(userArn: string, login: string, bucket: string): PolicyDocument {
  const bucketArn = `arn:${userArn.split(":")[1]}:s3:::${bucket}`
  return {
    Version: "2012-10-17",
    Statement: [
      ...objectStatements(bucketArn, login, undefined),
      {
        Sid: "OwnCredentials",
        Effect: "Allow",
        Action: [
          "iam:ChangePassword",
          "iam:CreateAccessKey",
          "iam:DeleteAccessKey",
          "iam:GetAccessKeyLastUsed",
          "iam:GetUser",
          "iam:ListAccessKeys",
          "iam:UpdateAccessKey",
        ],
        Resource: [userArn],
      },
      { Sid: "PasswordRules", Effect: "Allow", Action: ["iam:GetAccountPasswordPolicy"], Resource: ["*"] },
    ],
  }
}
