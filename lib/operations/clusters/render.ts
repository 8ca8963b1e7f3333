/** What would be asked of AWS and of ec2-run, and what the nodes would start with. Makes no call. */
import { groupPrefix, type PlannedGroup, planGroups } from "../../decisions/clusters/group_plan.ts"
import { hubsOf } from "../../decisions/clusters/roles.ts"
import type { AdmittedGroup } from "../../decisions/clusters/room_together.ts"
import type { ClusterSession } from "./deps.ts"
import { requireFit } from "./fit.ts"
import { presentGroups } from "./groups.ts"
import { groupRequest, type LaunchedNode, type LaunchInputs } from "./launch_groups.ts"
import { askLauncher } from "./runner.ts"
import { loadBootScript } from "./user_data_file.ts"

export interface Rendered {
  securityGroups: PlannedGroup[]
  requests: { request: Record<string, unknown>; userData: string; userDataBytes: number }[]
}

/** The security groups, requests and user data of a launch; the addresses of hubs are placeholders. */
export async function render(session: ClusterSession, inputs: LaunchInputs): Promise<Rendered> {
  const { name, settings } = session
  const { groups } = inputs
  const script = await loadBootScript(session)
  const cidrs = settings.clientCidrs.length > 0 ? settings.clientCidrs : ["CLIENT-ADDRESS/32"]
  const present: LaunchedNode[] = [...inputs.present]
  const requests: Rendered["requests"] = []
  for (const group of groups) {
    const { user_data, ...request } = groupRequest(session, script, { ...inputs, present }, group, null)
    const packed = Uint8Array.fromBase64(user_data ?? "")
    requests.push({
      request,
      userData: new TextDecoder().decode(Bun.gunzipSync(packed)),
      userDataBytes: packed.length,
    })
    const [hub] = hubsOf(group.roles)
    if (hub) present.push({ id: "", privateIp: `ADDRESS-OF-${hub.role.toUpperCase()}`, roles: group.roles })
  }
  return {
    securityGroups: planGroups(
      groupPrefix(session.deps.login, name, []),
      groups.map(({ roles }) => roles),
      cidrs,
      settings.openUi,
      settings.securityGroups.length,
    ),
    requests,
  }
}

export interface PricedGroup extends AdmittedGroup {
  roles: string[]
}

/** Each group priced and held against the limits by ec2-run's dry run, each by itself. */
export async function priceGroups(session: ClusterSession, inputs: LaunchInputs): Promise<PricedGroup[]> {
  const script = await loadBootScript(session)
  if (!inputs.force) await requireFit(session, inputs.groups, script)
  const known = await presentGroups(session)
  const priced: PricedGroup[] = []
  for (const group of inputs.groups) {
    const request = groupRequest(session, script, inputs, group, known)
    const reply = await askLauncher(session.deps, {
      ...request,
      // Groups that are not made yet cost nothing.
      security_group_ids: (request.security_group_ids ?? []).filter((id) => id.startsWith("sg-")),
      client_token: crypto.randomUUID(),
      dry_run: true,
    })
    priced.push({
      count: group.count,
      roles: group.roles,
      hourlyCost: reply.hourly_cost,
      worstCase: reply.worst_case ?? 0,
      left: reply.left ?? null,
    })
  }
  return priced
}
