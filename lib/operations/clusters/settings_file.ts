/** clusters.cfg: which file is read, and one cluster's settings out of it. */
import { join } from "node:path"
import { Failed } from "../../base/errors.ts"
import { type IniFile, iniSection, keysReferredTo, parseIni } from "../../decisions/clusters/ini.ts"
import { requireClusterName } from "../../decisions/clusters/names.ts"
import {
  type ClusterSettings,
  type RawSettings,
  requireSpotFor,
  settingsOfSection,
  toSettings,
  withGiven,
} from "../../decisions/clusters/settings.ts"
import type { ClusterDeps, ClusterSession } from "./deps.ts"
import { readText } from "./files.ts"
import { keyFile, withUsableKey } from "./private_key.ts"
import { pipRequirements, problemWith, scriptProblem } from "./user_data_file.ts"

const fileName = "clusters.cfg"

/** The parsed file, or null. Only the one in the configuration directory: never one that lies in the current directory. */
function readSettingsFile(deps: ClusterDeps): IniFile | null {
  const path = join(deps.configDir, fileName)
  const text = readText(path)
  return text === null ? null : parseIni(path, text)
}

/**
 * The caller's cluster of this name. `given` are the settings of the command line, which win over the file's. Reading `settings`
 * throws UsageError where they are wrong, and warns of unknown keys, once.
 */
export function clusterSession(deps: ClusterDeps, name: string, given: RawSettings): ClusterSession {
  let settings: ClusterSettings | undefined
  return {
    deps,
    name,
    get settings() {
      settings ??= clusterSettings(deps, name, given)
      return settings
    },
  }
}

function clusterSettings(deps: ClusterDeps, name: string, given: RawSettings): ClusterSettings {
  const settings = toSettings(withGiven(settingsOfCluster(deps, name), given), deps.login)
  requireSpotFor(given, settings)
  return withUsableKey(deps, settings)
}

function settingsOfCluster(deps: ClusterDeps, cluster: string): RawSettings {
  const file = readSettingsFile(deps)
  if (!file?.sections.has(cluster)) return {}
  const { raw, unknown } = settingsIn(file, cluster)
  for (const key of unknown) {
    deps.terminal.warn(`${file.name}: [${cluster}] ${key} is not a setting and is ignored`)
  }
  return raw
}

/** Unknown is what neither we nor the other values know anything to do with. */
function settingsIn(file: IniFile, name: string): { raw: RawSettings; unknown: string[] } {
  const { raw, unknown } = settingsOfSection(iniSection(file, name) ?? new Map())
  const used = keysReferredTo(file, name)
  return { raw, unknown: unknown.filter((key) => !used.has(key)) }
}

/** Checks every section of clusters.cfg, for `config check`. `settings` is null where they are wrong. */
export function checkSettings(
  deps: ClusterDeps,
): { section: string; problems: string[]; settings: ClusterSettings | null }[] {
  const file = readSettingsFile(deps)
  if (!file)
    throw new Failed(
      "config check",
      `${join(deps.configDir, fileName)} does not exist (ec2-util --init writes it)`,
    )
  return [...file.sections.keys()]
    .filter((name) => name !== "DEFAULT")
    .map((name) => {
      try {
        const { raw, unknown } = settingsIn(file, name)
        const settings = withUsableKey(deps, toSettings(raw, deps.login))
        return {
          section: name,
          problems: [
            ...nameless(name),
            ...unknown.map((key) => `${key} is not a setting and is ignored`),
            ...doubts(deps, settings),
          ],
          settings,
        }
      } catch (error) {
        return { section: name, problems: [(error as Error).message], settings: null }
      }
    })
}

/** A section that no cluster can be called like is never read. */
function nameless(section: string): string[] {
  try {
    requireClusterName(section)
    return []
  } catch (error) {
    return [(error as Error).message]
  }
}

function doubts(deps: ClusterDeps, settings: ClusterSettings): string[] {
  const found: string[] = []
  const script = settings.userDataFile === null ? null : scriptProblem(deps, settings.userDataFile)
  if (script) found.push(script)
  const requirements = problemWith(() => pipRequirements(deps, settings))
  if (requirements) found.push(requirements)
  if (settings.privateKey === null) {
    found.push(
      `there is no ${keyFile(deps, settings.keyName)}: ssh offers the keys of your agent and of ~/.ssh`,
    )
  }
  if (settings.userDataFile?.startsWith("http:")) {
    found.push("user_data_file comes over plain HTTP: whoever is on the way can run anything on your nodes")
  }
  if (settings.sshOptions.some((word) => /StrictHostKeyChecking=(no|off)/i.test(word))) {
    found.push("ssh_options turns host key checking off, which has no effect: ours comes first")
  }
  return found
}
