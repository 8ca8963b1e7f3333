/** Waits until an instance can be logged in to: it runs, its console has shown its host keys, and its sshd answers. */
import { statSync } from "node:fs"
import { join } from "node:path"
import { hasCode } from "../../aws/protocol/errors.ts"
import { Failed, Refused } from "../../base/errors.ts"
import type { Instance } from "../../base/instance.ts"
import { duration } from "../../base/time.ts"
import { hostKeysIn, hostKeysOfConsole, withHostKeys } from "../../decisions/ssh/host_keys.ts"
import {
  knownHostsPath,
  plainAddress,
  plainKeyName,
  unixUserPattern,
  userOfImage,
} from "../../decisions/ssh/login_target.ts"
import { readText, writeText } from "../../host/files/text_files.ts"
import type { LoginTarget, Reachable, ShellDeps } from "./deps.ts"
import { meantInstance } from "./own_instance.ts"

const firstPollMs = 500
const longestPollMs = 4_000

/** Throws Failed with what is missing after a while; never goes on without keys to compare with. */
export async function reach(deps: ShellDeps, meant: Instance): Promise<Reachable> {
  const begun = deps.clock.now()
  let instance = meant
  let pollMs = firstPollMs
  for (;;) {
    const missing = await missingOf(deps, instance)
    if (typeof missing !== "string") return { id: instance.id, ...missing }
    const waitedMs = deps.clock.now() - begun
    if (waitedMs >= deps.timeoutMs) {
      throw new Failed(`ssh ${instance.id}`, `${missing} after ${duration(waitedMs)}${hintOf(missing)}`)
    }
    deps.progress(`${instance.id}: ${missing} (${duration(waitedMs)})`)
    await deps.clock.sleep(Math.min(pollMs, deps.timeoutMs - waitedMs), deps.interrupt)
    pollMs = Math.min(pollMs * 2, longestPollMs)
    instance = await meantInstance(deps, instance.id)
  }
}

/** As whom, and with which key. Throws Failed where neither the course nor the image says whom it lets in. */
export async function loginTarget(
  deps: ShellDeps,
  { imageId, keyName }: Instance,
  reached: Reachable,
  user: string | null,
): Promise<LoginTarget> {
  return {
    ...reached,
    user: user ?? (await userOf(deps, imageId)),
    privateKey: privateKeyOf(deps, keyName),
  }
}

/** What is still waited for, in words; else where to connect to, and the file to check with. */
async function missingOf(
  deps: ShellDeps,
  instance: Instance,
): Promise<string | Pick<Reachable, "address" | "knownHosts">> {
  const { id, state, platform } = instance
  if (platform.toLowerCase() === "windows") throw new Refused(id, "runs Windows, which takes no ssh")
  if (state === "stopped" || state === "stopping")
    throw new Failed(id, `is ${state}; ec2-active --start ${id} starts it again`)
  if (state !== "running") return `is ${state}`
  const address = plainAddress(instance.publicIp) ?? plainAddress(instance.privateIp)
  if (address === null) return noAddress
  const knownHosts = await pinnedKeys(deps, id)
  if (knownHosts === null) return noKeys
  return (await deps.greets(address)) ? { address, knownHosts } : `${noAnswer} at ${address}`
}

const noAddress = "has no address"
const noKeys = "has not shown its host key on its console"
const noAnswer = "sshd does not answer"

function hintOf(missing: string): string {
  if (missing === noKeys)
    return "; without it nothing tells this machine from another one, so ssh is not started (ec2-ssh --timeout 10m waits longer)"
  if (missing.startsWith(noAnswer))
    return "; is it in a security group that lets in ssh from here? A launch that names none is"
  return ""
}

/** The file with an instance's keys; those that were pinned once stay. Null while the console shows none. */
async function pinnedKeys(deps: ShellDeps, id: string): Promise<string | null> {
  const path = join(deps.home, knownHostsPath(id))
  if (hostKeysIn(readText(path) ?? "", id).length > 0) return path
  const keys = hostKeysOfConsole(await consoleOf(deps, id))
  if (keys.length === 0) return null
  writeText(path, withHostKeys("", id, keys))
  return path
}

async function consoleOf(deps: ShellDeps, id: string): Promise<string> {
  const ec2 = await deps.ec2()
  try {
    return await ec2.freshConsole(id)
  } catch (error) {
    if (hasCode(error, "InvalidInstanceID.NotFound")) return ""
    throw error
  }
}

async function userOf(deps: ShellDeps, imageId: string): Promise<string> {
  const user = deps.courseUser || userOfImage((await (await deps.ec2()).image(imageId))?.name ?? "")
  if (user && unixUserPattern.test(user)) return user
  throw new Failed("user", `nothing says whom the image ${imageId} lets in; name the user (--user ubuntu)`)
}

/** Null where `~/KEY.pem` is not there: `ec2-util --import-ssh-key` writes none, so ssh offers its own keys. */
function privateKeyOf({ home }: ShellDeps, keyName: string): string | null {
  const plain = plainKeyName(keyName)
  if (plain === null) return null
  const path = join(home, `${plain}.pem`)
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found?.isFile()) return null
  if ((found.mode & 0o077) !== 0)
    throw new Failed(
      "private key",
      `${path} can be read by others, and ssh would not use it; run chmod 600 on it`,
    )
  return path
}
