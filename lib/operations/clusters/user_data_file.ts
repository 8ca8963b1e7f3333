/** The script that nodes start with: ours, or the one that the settings name. */
import { isAbsolute, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Failed } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { hostVariables, type NodeGroup } from "../../decisions/clusters/cluster_plan.ts"
import { packUserData, refuseSecretScript, withEnvironment } from "../../decisions/clusters/user_data.ts"
import { bootScript } from "./boot_script.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"
import { readText } from "./files.ts"

export interface BootScript {
  name: string
  text: string
  /** Whether it writes the status file that `wait` and `status` read. */
  isOurs: boolean
}

/** Our boot script, or the one that user_data_file names; throws UsageError where it holds a secret, Failed where it does not exist. */
export async function loadBootScript({ deps, settings }: ClusterSession): Promise<BootScript> {
  const source = settings.userDataFile
  if (source === null) return { name: "our boot script", text: bootScript, isOurs: true }
  const text = await scriptAt(deps, source)
  refuseSecretScript(source, text)
  if (!text.includes("%ENV%") && Object.keys(settings.env).length > 0) {
    deps.terminal.warn(`${source} has no %ENV%, so it is not told what --env says`)
  }
  return { name: source, text, isOurs: false }
}

async function scriptAt(deps: ClusterDeps, source: string): Promise<string> {
  if (/^https?:/.test(source)) {
    if (source.startsWith("http:")) {
      deps.terminal.warn(
        `${source} comes over plain HTTP, unprotected; without user_data_file there is a script in this tool`,
      )
    }
    return deps.fetchText(source)
  }
  const path = source.startsWith("file:") ? fileURLToPath(source) : expandHome(deps, source)
  const text = readText(path)
  if (text === null) throw new Failed("user data", `${quoted(path)} does not exist (user_data_file names it)`)
  return text
}

function expandHome(deps: ClusterDeps, path: string): string {
  if (path.startsWith("~/")) return join(deps.home, path.slice(2))
  return isAbsolute(path) ? path : join(process.cwd(), path)
}

export interface UserDataInputs {
  group: NodeGroup
  /** Nodes that run already, whose hubs this group must find. */
  hubs: readonly { roles: readonly NodeGroup["roles"][number][]; privateIp: string }[]
  masterIp: string | null
  dataNodes: number
  ebsMappings: string
}

/** The environment of a group's nodes. Whatever is in `--env` wins, but for what identifies the node. */
function nodeEnvironment(
  { deps, name, settings }: ClusterSession,
  inputs: UserDataInputs,
): Record<string, string> {
  const { group, hubs, masterIp } = inputs
  return {
    REPLICATION: String(Math.min(3, Math.max(1, inputs.dataNodes))),
    ...settings.env,
    ...hostVariables(hubs),
    ...(masterIp === null ? {} : { MASTER_HOST: masterIp }),
    ...(inputs.ebsMappings === "" ? {} : { EBS_MAPPINGS: inputs.ebsMappings }),
    ...(settings.userPackages === "" ? {} : { USER_PACKAGES: settings.userPackages }),
    AWS_REGION: deps.region,
    CLUSTER: name,
    OWNER: deps.login,
    ROLES: group.roles.join(","),
  }
}

/** Base64 of the gzipped script with its environment. */
export function userDataOf(session: ClusterSession, script: BootScript, inputs: UserDataInputs): string {
  const text = withEnvironment(script.text, nodeEnvironment(session, inputs))
  return packUserData(script.name, text).toBase64()
}
