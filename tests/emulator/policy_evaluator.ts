/**
 * Whether IAM would allow an action: conditions, policy variables, resource ARNs and all, which moto does not evaluate. The
 * judge is @cloud-copilot/iam-simulate with AWS's own service authorization data, so that an action, a resource or a context
 * key that does not exist is an error and not a silent "denied".
 */
import { runSimulation } from "@cloud-copilot/iam-simulate"

export interface PolicyQuestion {
  /**
   * `arn:aws:iam::123456789012:user/PATH/NAME`, whose aws:username is taken from it; or
   * `arn:aws:sts::123456789012:assumed-role/ROLE/SESSION`, which has none.
   */
  principalArn: string
  /** `ec2:TerminateInstances`. */
  action: string
  /** An ARN; "*" for actions that know no resources. */
  resource?: string
  /** `aws:ResourceTag/KEY`, `aws:RequestTag/KEY`, `ec2:CreateAction` … */
  context?: Record<string, string | string[]>
  /** The policy of the resource, such as a role's trust (JSON text). */
  resourcePolicy?: string
  /** What limits the session of the principal (JSON text). */
  sessionPolicy?: string | null
}

export interface PolicyAnswer {
  allowed: boolean
  /** `Allowed`, `ExplicitlyDenied`, `ImplicitlyDenied`. */
  decision: string
  /** Keys of the question that AWS does not offer for this action and resource, and which were therefore not seen. */
  ignoredContextKeys: string[]
}

/** Asks the policies (JSON texts) of one principal; throws where question or policies are malformed. */
export async function evaluatePolicies(policies: string[], question: PolicyQuestion): Promise<PolicyAnswer> {
  const { principalArn, action, resource = "*", context = {}, resourcePolicy, sessionPolicy } = question
  const accountId = principalArn.split(":")[4] ?? ""
  const userName = principalArn.includes(":user/")
    ? { "aws:username": principalArn.split("/").at(-1) ?? "" }
    : {}
  const answer = await runSimulation(
    {
      request: {
        principal: principalArn,
        action,
        resource: { resource, accountId },
        contextVariables: { ...userName, ...context },
      },
      identityPolicies: policies.map((text, index) => ({
        name: `policy-${index}`,
        policy: JSON.parse(text),
      })),
      ...(resourcePolicy === undefined ? {} : { resourcePolicy: JSON.parse(resourcePolicy) }),
      ...(sessionPolicy ? { sessionPolicy: JSON.parse(sessionPolicy) } : {}),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )
  if (answer.resultType === "error") {
    throw new Error(`${action} on ${resource}: ${JSON.stringify(answer.errors)}`)
  }
  return {
    allowed: answer.overallResult === "Allowed",
    decision: answer.overallResult,
    ignoredContextKeys: answer.resultType === "single" ? (answer.result.ignoredContextKeys ?? []) : [],
  }
}
