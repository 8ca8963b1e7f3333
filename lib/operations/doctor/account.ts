/** The AWS account: is the key right, may it do what it needs and is the course set up there as wanted? */
import type { Iam } from "../../aws/iam/interfaces.ts"
import type { Aws } from "../../aws/interfaces.ts"
import type { Config } from "../../base/config.ts"
import { messageOf } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import { type Clock, duration, msPerMinute, msPerSecond } from "../../base/time.ts"
import type { UsageDb } from "../../db/usage_db.ts"
import { usesMode } from "../../decisions/identities/credential_mode.ts"
import {
  accountOfArn,
  isSamePolicy,
  type PolicyStatement,
  policyText,
} from "../../decisions/identities/policy_document.ts"
import { privilegedPolicy } from "../../decisions/identities/privileged_policy.ts"
import { studentPolicy, studentPolicyName } from "../../decisions/identities/student_policy.ts"
import { adviceOn, attachPolicy, storeWorkingKey } from "./advice.ts"
import { checkCourse } from "./course.ts"
import { attempt, type Finding, failing, ok, warning } from "./finding.ts"
import { checkRegions } from "./regions.ts"
import { checkRole } from "./role.ts"

export interface AccountDeps {
  config: Config
  aws: Aws
  clock: Clock
  /** How many users have an identity. */
  userCount: number
  /** Throws where the ledger cannot be opened. */
  usageDb(): UsageDb
}

/** https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html: vCPUs of the usual families. */
const onDemandQuota = "L-1216C47A"

export async function checkAccount(deps: AccountDeps): Promise<Finding[]> {
  const iam = await deps.aws.iam()
  let arn: string
  try {
    arn = await iam.callerArn()
  } catch (error) {
    return [failing("access key", messageOf(error), adviceOn(error, storeWorkingKey))]
  }
  const findings = await Promise.all([
    attempt("permissions", attachPolicy, () => checkPermissions(deps, iam, arn)),
    attempt("regions", "see the network and [aws]", () => checkRegions(deps)),
    attempt("launching (DryRun)", "see [launch] and what AWS says", () => checkLaunching(deps)),
    attempt("IAM group", "run setup", () => checkGroup(deps, iam, arn)),
    attempt("role", "run setup", () => checkRole(deps, arn)),
    attempt("course", "run init_dbs as the account, then setup", () => checkCourse(deps)),
    attempt("quota", "look at Service Quotas in the console", () => checkQuota(deps)),
    attempt("clock", "", () => checkClock(deps)),
  ])
  return [ok("access key", `is ${arn}`), ...findings.flat()]
}

/** Whether the key of `arn` has each right that `setup --print-policy` prints. */
export async function checkPermissions(
  { config }: Pick<AccountDeps, "config">,
  iam: Iam,
  arn: string,
): Promise<Finding[]> {
  if (arn.endsWith(":root")) {
    const todo = "make an IAM user with the policy that setup --print-policy prints, and use its key"
    return [
      warning("permissions", "the key is the account's root user's: it may do everything, for ever", todo),
    ]
  }
  // What depends on a condition cannot be simulated without its context.
  const statements = privilegedPolicy(config, accountOfArn(arn)).Statement.filter(
    ({ Condition }) => !Condition,
  )
  let denied: string[]
  try {
    denied = (await Promise.all(statements.map((statement) => deniedOf(iam, arn, statement)))).flat()
  } catch (error) {
    // Not knowing is no error: the key may do all it must without being allowed to ask about itself.
    return [warning("permissions", `cannot be asked: ${messageOf(error)}`, adviceOn(error, attachPolicy))]
  }
  const count = statements.reduce((sum, { Action }) => sum + Action.length, 0)
  if (denied.length === 0) return [ok("permissions", `${count} of ${count} are given`)]
  return denied.map((action) => failing(`permission ${action}`, "is not given", attachPolicy))
}

/**
 * The actions that are allowed on none of the statement's resources. One resource is asked about at a time: IAM takes none
 * that an action has nothing to do with, such as a user for what is done to a group.
 */
async function deniedOf(iam: Iam, arn: string, { Action, Resource }: PolicyStatement): Promise<string[]> {
  let denied = Action
  let refusal: unknown
  let answered = false
  for (const resource of Resource) {
    if (denied.length === 0) break
    try {
      const answers = await iam.simulate(principalOf(arn), denied, [resource])
      denied = answers.filter(({ allowed }) => !allowed).map(({ action }) => action)
      answered = true
    } catch (error) {
      refusal = error
    }
  }
  if (!answered) throw refusal
  return denied
}

/** IAM simulates roles, not the sessions that stand in the ARN of whoever has taken one on. */
function principalOf(arn: string): string {
  const session = /^arn:([^:]+):sts::(\d+):assumed-role\/([^/]+)\//.exec(arn)
  return session ? `arn:${session[1]}:iam::${session[2]}:role/${session[3]}` : arn
}

/** A small machine with an image that every account may launch, where the config names none. */
const usual = {
  image: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
  instanceType: "t3.micro",
}

/** By DryRun: EC2 looks at everything and then does not launch. */
async function checkLaunching({ config, aws }: AccountDeps): Promise<Finding[]> {
  const what = "launching (DryRun)"
  const named = (config.launch.image || usual.image).replace(/^resolve:ssm:/, "")
  const instanceType = config.launch.instanceType || usual.instanceType
  const imageId = named.startsWith("ami-") ? named : await (await aws.ssm()).parameter(named)
  if (imageId === null)
    return [failing(what, `${named} names no image`, "set [launch] image to one that exists")]
  const nothing = {
    count: 1,
    keyName: "",
    zone: null,
    placementGroup: null,
    securityGroupIds: [],
    userData: null,
  }
  await (await aws.ec2()).launch(
    {
      ...nothing,
      clientToken: crypto.randomUUID(),
      imageId,
      instanceType,
      subnetId: config.launch.subnet || null,
      blockDevices: [],
      spotMaxMicroUsdPerHour: null,
      instanceProfile: null,
      standardCredits: false,
      shutdownBehavior: "terminate",
      tags: { [tagOf.course]: config.course.name },
    },
    { dryRun: true },
  )
  return [ok(what, `${instanceType} of ${imageId} would be launched`)]
}

async function checkGroup({ config }: AccountDeps, iam: Iam, arn: string): Promise<Finding[]> {
  const name = config.course.iamGroup
  const what = `IAM group ${name}`
  if ((await iam.group(name)) === null)
    return usesMode(config, "keys") ? [failing(what, "does not exist", "run setup")] : []
  const wanted = policyText(
    studentPolicy(accountOfArn(arn), config.course.bucket, Object.keys(config.launch.tags)),
  )
  const found = await iam.groupPolicy(name, studentPolicyName)
  if (found === null) return [failing(what, `has no policy ${studentPolicyName}`, "run setup")]
  if (!isSamePolicy(found, wanted))
    return [failing(what, "policy differs from ours", "run setup --dry-run, then setup")]
  const extra = [
    ...(await iam.groupPolicies(name)).filter((policy) => policy !== studentPolicyName),
    ...(await iam.attachedGroupPolicies(name)).map((policy) => policy.name),
  ]
  if (extra.length === 0) return [ok(what, "has the policy that is wanted, and no other")]
  return [
    failing(
      what,
      `has more policies, which may allow what costs money: ${extra.join(", ")}`,
      "run setup --remove-other-policies",
    ),
  ]
}

async function checkQuota({ config, aws, userCount }: AccountDeps): Promise<Finding[]> {
  const what = `vCPU quota in ${config.aws.region}`
  const quota = (await (await aws.quotas()).ec2Quotas()).find(({ code }) => code === onDemandQuota)
  if (!quota) return [warning(what, "is not told by AWS", "look at Service Quotas in the console")]
  const { maxInstances } = config.limits
  const most = maxInstances * Math.max(1, userCount)
  const todo = `ask for more of ${onDemandQuota} at Service Quotas, or lower [limits] max_instances`
  if (quota.value < maxInstances)
    return [
      failing(
        what,
        `${quota.value}, but one user may have ${maxInstances} instances of 1 vCPU or more`,
        todo,
      ),
    ]
  if (quota.value < most)
    return [warning(what, `${quota.value}, but ${userCount} users may have ${most} instances together`, todo)]
  return [ok(what, `${quota.value} for at most ${most} instances`)]
}

async function checkClock({ aws, clock }: AccountDeps): Promise<Finding[]> {
  const skew = (await aws.serverTime()) - clock.now()
  const found = `differs from AWS's by ${duration(Math.abs(skew))}`
  const todo = "let chrony or ntpd set it: AWS refuses requests that are 5 minutes off, and costs are by time"
  if (Math.abs(skew) > 4 * msPerMinute) return [failing("clock", found, todo)]
  return [Math.abs(skew) > 30 * msPerSecond ? warning("clock", found, todo) : ok("clock", found)]
}
