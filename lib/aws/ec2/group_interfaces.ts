/** What enforcement asks of EC2 about the security groups that students make. */
import type { SecurityGroup } from "../../base/instance.ts"

export interface OwnedGroup extends SecurityGroup {
  /** Other groups that its rules name. */
  refersTo: string[]
}

export interface SpareGroups {
  /** Security groups with an owner tag, whoever's. */
  ownedGroups(): Promise<OwnedGroup[]>
  /** Those of these groups that a network interface is in. */
  groupsInUse(ids: readonly string[]): Promise<Set<string>>
  /** Takes the rules about group `to` out of group `id`. */
  revokeReferences(id: string, to: string): Promise<void>
  /** Deleting what is not there succeeds; one in use throws AwsError DependencyViolation. */
  deleteSpareGroup(id: string): Promise<void>
}
