/** Which nodes a cluster has, as this host last knew: `start` names those that ended while the cluster was stopped. */
import * as v from "valibot"
import type { Role } from "../../decisions/clusters/roles.ts"
import type { ClusterSession } from "./deps.ts"
import { clusterFile, readText, writeText } from "./files.ts"
import type { ClusterNode } from "./nodes.ts"

const member = v.object({
  id: v.string(),
  roles: v.array(v.custom<Role>((role) => typeof role === "string")),
})

export type ClusterMember = v.InferOutput<typeof member>

/** The members on file; none where there is no such file or it is not readable: the file is the student's to edit. */
export function readMembers(session: ClusterSession): ClusterMember[] {
  try {
    const read: unknown = JSON.parse(readText(clusterFile(session, "members")) ?? "[]")
    return v.is(v.array(member), read) ? read : []
  } catch {
    return []
  }
}

/** Replaces the list of members; throws Failed where it cannot be written. */
export function writeMembers(session: ClusterSession, nodes: readonly ClusterNode[]): void {
  const members = nodes.map(({ id, roles }) => ({ id, roles }))
  writeText(clusterFile(session, "members"), `${JSON.stringify(members)}\n`)
}
