/**
 * The security group of a student, for launches that name none: it lets in ssh from the login hosts and nothing else. All of the
 * student's launches share it, in each VPC. The ledger's token comes first and is part of the group's name, which AWS gives only
 * once in a VPC: of many launches at once one makes the group, and one that dies halfway leaves what the next one finds by the tag.
 */
import { randomUUID } from "node:crypto"
import type { SecurityGroupWithRules } from "../../aws/ec2/security_group_interfaces.ts"
import type { Ec2 } from "../../aws/interfaces.ts"
import { hasCode } from "../../aws/protocol/errors.ts"
import { Failed, Refused } from "../../base/errors.ts"
import { tagOf } from "../../base/instance.ts"
import type { SshGroup } from "../../db/launches/ssh_groups.ts"
import { clientRule, ruleChanges } from "../../decisions/ssh/client_rules.ts"
import { requireNotHalted } from "./access.ts"
import type { LaunchDeps } from "./deps.ts"
import { loginHostNetworks } from "./login_hosts.ts"

/** A name that is taken, or a group that was deleted meanwhile: how often another one is tried. */
const mostAttempts = 4
/** EC2 shows what was made a moment later. */
const lookAgainMs = [0, 250, 1000, 3000]

export interface OwnGroup {
  id: string
  /** The networks that it lets in. */
  openTo: string[]
}

/** The caller's own group in a VPC, made where there is none. Throws Refused where AWS has no room for one. */
export async function ownSshGroup(deps: LaunchDeps, vpcId: string): Promise<OwnGroup> {
  const { usageDb, caller, config } = deps
  const openTo = await loginHostNetworks(deps)
  const place = { login: caller.login, region: config.aws.region, vpcId }
  const known = usageDb.sshGroups.of(place)
  if (known?.groupId && known.openTo === openTo.join(" ")) return { id: known.groupId, openTo }
  requireNotHalted(deps, caller.login)
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const group = usageDb.transaction(() => usageDb.sshGroups.begin(place, randomUUID(), deps.clock.now()))
    const found = group.groupId === null ? await makeOrFind(deps, group) : await byId(deps, group)
    if (found) {
      await setRules(deps, found, openTo)
      usageDb.transaction(() => usageDb.sshGroups.made(group.token, found.id, openTo.join(" ")))
      return { id: found.id, openTo }
    }
    usageDb.transaction(() => usageDb.sshGroups.forget(group.token))
  }
  throw new Failed("security group", `AWS does not keep the one that is made in ${vpcId}; try again`)
}

/** Null where it was deleted, or is not the caller's. */
async function byId(deps: LaunchDeps, { groupId }: SshGroup): Promise<SecurityGroupWithRules | null> {
  const ec2 = await deps.aws.ec2()
  const found = await ec2.securityGroupsWithRules({ ids: [groupId ?? ""] })
  return found.find((group) => group.id === groupId && isOwn(deps, group)) ?? null
}

/** Null where the name is taken by a group that is not ours. */
async function makeOrFind(deps: LaunchDeps, group: SshGroup): Promise<SecurityGroupWithRules | null> {
  const { audit, config, caller } = deps
  const { login, token, vpcId } = group
  const ec2 = await deps.aws.ec2()
  const name = `ec2-wrappers-${login}-${token.slice(0, 8)}`
  const description = `ssh to the instances of ${login}`
  const tags = {
    ...config.launch.tags,
    [tagOf.owner]: login,
    [tagOf.course]: config.course.name,
    [tagOf.sshGroup]: token,
  }
  audit.record(caller.login, `make security group ${name} in ${vpcId}`)
  try {
    const { id, requestId } = await ec2.createSecurityGroup({ name, description, vpcId, tags })
    audit.record(caller.login, `made security group ${id} (request ${requestId})`)
    return { id, name, description, vpcId, tags, ingress: [] }
  } catch (error) {
    if (hasCode(error, "InvalidGroup.Duplicate")) return shown(deps, ec2, group)
    if (!hasCode(error, ...quotaCodes)) throw error
    throw new Refused(
      "security group",
      `there is room for no more of them in ${vpcId}, and each student has one; staff can delete unused groups, or ask for a larger quota (L-E79EC296)`,
    )
  }
}

/** AWS's codes for the quota of groups in a region or VPC. */
const quotaCodes = ["SecurityGroupLimitExceeded", "VpcLimitExceeded", "ResourceLimitExceeded"]

/** By our tag, which nobody else can set, and the owner's. */
async function shown(deps: LaunchDeps, ec2: Ec2, group: SshGroup): Promise<SecurityGroupWithRules | null> {
  const { login, token, vpcId } = group
  for (const ms of lookAgainMs) {
    if (ms > 0) await deps.clock.sleep(ms)
    const found = await ec2.securityGroupsWithRules({
      vpcId,
      tags: { [tagOf.owner]: login, [tagOf.sshGroup]: token },
    })
    const own = found.find(
      ({ tags, ...rest }) => tags[tagOf.sshGroup] === token && isOwn(deps, { ...rest, tags }),
    )
    if (own) return own
  }
  return null
}

function isOwn({ caller }: LaunchDeps, { tags }: Pick<SecurityGroupWithRules, "tags">): boolean {
  return tags[tagOf.owner] === caller.login
}

/** Port 22 only: a login host's address is every student's. Rules that the student added are left alone. */
async function setRules(
  deps: LaunchDeps,
  { id, ingress }: SecurityGroupWithRules,
  openTo: readonly string[],
): Promise<void> {
  const { allow, revoke } = ruleChanges(
    ingress,
    openTo.map((cidr) => clientRule(sshPort, cidr)),
  )
  if (allow.length + revoke.length === 0) return
  const ec2 = await deps.aws.ec2()
  deps.audit.record(deps.caller.login, `open port ${sshPort} of ${id} to ${openTo.join(" ") || "nobody"}`)
  for (const [attempt, ms] of lookAgainMs.entries()) {
    if (ms > 0) await deps.clock.sleep(ms)
    try {
      await ec2.allowIngress(id, allow)
      break
    } catch (error) {
      const isYoung = hasCode(error, "InvalidGroup.NotFound") && attempt < lookAgainMs.length - 1
      if (!isYoung) throw error
    }
  }
  await ec2.revokeIngress(id, revoke)
}

const sshPort = 22
