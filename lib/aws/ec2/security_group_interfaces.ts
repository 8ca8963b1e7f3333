/** What operations may ask of EC2's security groups. */
import type { IngressRule, SecurityGroup } from "../../base/instance.ts"
import type { Outcome } from "../outcome.ts"

export interface SecurityGroupWithRules extends SecurityGroup {
  ingress: IngressRule[]
}

export interface SecurityGroups {
  securityGroups(filter?: {
    ids?: string[]
    names?: string[]
    vpcId?: string
    tags?: Record<string, string>
  }): Promise<SecurityGroup[]>
  securityGroupsWithRules(filter: {
    ids?: string[]
    vpcId?: string
    names?: string[]
    tags?: Record<string, string>
  }): Promise<SecurityGroupWithRules[]>
  /** Tagged in the same call: the policy demands the owner's tag. Throws AwsError InvalidGroup.Duplicate. */
  createSecurityGroup(group: {
    name: string
    description: string
    vpcId: string
    tags: Record<string, string>
  }): Promise<Outcome & { id: string }>
  /** Allowing what is allowed already succeeds. */
  allowIngress(groupId: string, rules: readonly IngressRule[]): Promise<void>
  /** Revoking what is not there succeeds. */
  revokeIngress(groupId: string, rules: readonly IngressRule[]): Promise<void>
  /** Deleting what is not there succeeds; one in use throws AwsError DependencyViolation. */
  deleteSecurityGroup(id: string): Promise<void>
}
