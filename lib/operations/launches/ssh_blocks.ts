/** The caller's instances as lines for ~/.ssh/config, for editors that log in by themselves. */
import { hasEnded } from "../../base/instance.ts"
import { sshConfigBlock, userOfImage } from "../../decisions/ssh/login_target.ts"
import { loginProgramPath } from "../../host/config/config_programs.ts"
import { currentInstances } from "./active.ts"
import type { LaunchDeps } from "./deps.ts"

/** A block for each; `left` are the ids of those that nothing says whom they let in. */
export async function sshBlocks(deps: LaunchDeps): Promise<{ lines: string[]; left: string[] }> {
  const { config, caller } = deps
  const { instances } = await currentInstances(deps)
  const shown = instances.filter((instance) => !hasEnded(instance))
  const ec2 = await deps.aws.ec2()
  const users = new Map<string, string | null>()
  for (const { imageId } of shown) {
    if (users.has(imageId)) continue
    users.set(imageId, config.launch.user || userOfImage((await ec2.image(imageId))?.name ?? ""))
  }
  const lines: string[] = []
  const left: string[] = []
  for (const { id, imageId, keyName } of shown) {
    const user = users.get(imageId) ?? ""
    const block = sshConfigBlock({ id, user, keyName, home: caller.home, program: loginProgramPath() })
    if (block.length === 0) left.push(id)
    else lines.push(...(lines.length > 0 ? [""] : []), ...block)
  }
  return { lines, left }
}
