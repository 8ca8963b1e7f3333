/** The script that nodes start with: ours, or the one that the settings name. */
import { fileURLToPath } from "node:url"
import { messageOf, UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { hostVariables, type NodeGroup } from "../../decisions/clusters/cluster_plan.ts"
import { parseRequirements } from "../../decisions/clusters/requirements.ts"
import type { ClusterSettings } from "../../decisions/clusters/settings.ts"
import {
  packUserData,
  readScript,
  refuseSecretScript,
  withEnvironment,
} from "../../decisions/clusters/user_data.ts"
import { bootScript } from "./boot_script.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"
import { givenPath, readText } from "./files.ts"

export interface BootScript {
  name: string
  text: string
  /** Whether it writes the status file that `wait` and `status` read. */
  isOurs: boolean
  /** What pip installs on each node. */
  requirements: string[]
}

/** Our boot script, or the one that user_data_file names; throws UsageError where it does not exist, cloud-init would not run it, or it holds a secret. */
export async function loadBootScript({ deps, settings }: ClusterSession): Promise<BootScript> {
  const source = settings.userDataFile
  const requirements = pipRequirements(deps, settings)
  if (source === null) return { name: "our boot script", text: bootScript, isOurs: true, requirements }
  const text = readScript(source, await scriptAt(deps, source))
  refuseSecretScript(source, text)
  if (!text.includes("%ENV%") && Object.keys(settings.env).length > 0) {
    deps.terminal.warn(`${source} has no %ENV%, so it is not told what --env says`)
  }
  return { name: source, text, isOurs: false, requirements }
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
  return localScript(deps, source)
}

function localScript(deps: ClusterDeps, source: string): string {
  const path = source.startsWith("file:") ? fileURLToPath(source) : givenPath(deps, source)
  const text = readText(path)
  if (text === null) throw new UsageError("user_data_file", `${quoted(path)} does not exist`)
  return text
}

/** What is wrong with the script that the settings name, as far as it lies on this host; null where nothing is. */
export function scriptProblem(deps: ClusterDeps, source: string): string | null {
  if (/^https?:/.test(source)) return null
  return problemWith(() => refuseSecretScript(source, readScript(source, localScript(deps, source))))
}

/** What the action throws, as text; null where it throws nothing. */
export function problemWith(action: () => unknown): string | null {
  try {
    action()
    return null
  } catch (error) {
    return messageOf(error)
  }
}

/** The requirements in the file that the settings name; throws UsageError where there is none, or it holds an option. */
export function pipRequirements(deps: ClusterDeps, { pipFile }: ClusterSettings): string[] {
  if (pipFile === null) return []
  const path = givenPath(deps, pipFile)
  const text = readText(path)
  if (text === null) throw new UsageError("pip", `${quoted(path)} does not exist`)
  return parseRequirements(path, text)
}

export interface UserDataInputs {
  group: NodeGroup
  /** Nodes that run already, whose hubs this group must find. */
  hubs: readonly { roles: readonly NodeGroup["roles"][number][]; privateIp: string }[]
  masterIp: string | null
  requirements: readonly string[]
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
    ...(inputs.requirements.length === 0 ? {} : { PIP_REQUIREMENTS: inputs.requirements.join("\n") }),
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
