/** The rules of a security group that let in whoever sits at a login host. */
import type { IngressRule } from "../../base/instance.ts"

/** Marks rules for the client's address, which move with it; all others are left alone. */
export const clientRuleDescription = "ec2-wrappers client"

/** Lets one network in to one port. */
export function clientRule(port: number, cidr: string): IngressRule {
  return {
    protocol: "tcp",
    fromPort: port,
    toPort: port,
    cidr,
    groupId: null,
    description: clientRuleDescription,
  }
}

/**
 * What must change so that exactly the wanted networks of the client come in: only rules that carry our mark are ever
 * revoked.
 */
export function ruleChanges(
  present: readonly IngressRule[],
  wanted: readonly IngressRule[],
): { allow: IngressRule[]; revoke: IngressRule[] } {
  const same = (a: IngressRule) => (b: IngressRule) =>
    a.protocol === b.protocol &&
    (a.protocol === "-1" || (a.fromPort === b.fromPort && a.toPort === b.toPort)) &&
    a.cidr === b.cidr &&
    a.groupId === b.groupId
  return {
    allow: wanted.filter((rule) => !present.some(same(rule))),
    revoke: present.filter((rule) => rule.description === clientRuleDescription && !wanted.some(same(rule))),
  }
}
