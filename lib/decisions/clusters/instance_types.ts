/** Which type nodes have: one for all, and others for some roles. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { parseRoles, type Role } from "./roles.ts"

export interface InstanceTypes {
  /** For roles that `instanceTypes` does not name; null: the course's. */
  instanceType: string | null
  instanceTypes: Partial<Record<Role, string>>
}

/** Lines `TYPE` or `ROLES=TYPE`; the last of each wins. Throws UsageError for anything else. */
export function parseTypes(lines: readonly string[]): InstanceTypes {
  let instanceType: string | null = null
  const instanceTypes: InstanceTypes["instanceTypes"] = {}
  for (const line of lines.filter((one) => one !== "")) {
    const [, roles, type = ""] = /^(?:([a-z,\s]+)=)?\s*([a-z0-9-]+\.[a-z0-9-]+)$/.exec(line) ?? []
    if (type === "") {
      throw new UsageError(
        "instance_type",
        `is ${quoted(line)}, wanted TYPE or ROLES=TYPE such as sm=m7i.xlarge`,
      )
    }
    if (roles === undefined) instanceType = type
    else for (const role of parseRoles(roles).roles) instanceTypes[role] = type
  }
  return { instanceType, instanceTypes }
}

/** The type of nodes with these roles; null: the course's. Throws UsageError where two of the roles want different ones. */
export function typeFor(
  { instanceType, instanceTypes }: InstanceTypes,
  roles: readonly Role[],
): string | null {
  const named = roles.filter((role) => instanceTypes[role] !== undefined)
  const types = [...new Set(named.map((role) => instanceTypes[role]))]
  if (types.length > 1) {
    throw new UsageError(
      "instance_type",
      `${named.join(", ")} are on one node and name ${types.join(" and ")}`,
    )
  }
  return types[0] ?? instanceType
}
