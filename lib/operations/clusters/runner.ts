/** Asking `ec2-run`, the only way to launch: a JSON object in, a JSON object out. */
import { Failed, Refused, ToolError, UsageError } from "../../base/errors.ts"
import { isFailedReply, type LaunchedReply, type LaunchProtocolRequest } from "../../base/launch_protocol.ts"
import { quoted } from "../../base/text.ts"
import { msPerMinute } from "../../base/time.ts"
import { readLauncherReply } from "../../decisions/clusters/launcher_reply.ts"
import { askingPrefix } from "../../decisions/requests/limit_request.ts"
import type { ClusterDeps } from "./deps.ts"

/** What ec2-run said no with; `code` is AWS's, or `Refused`, `UsageError`, `Failed`. */
export class LaunchFailed extends ToolError {
  override readonly name = "LaunchFailed"
  constructor(
    readonly code: string,
    message: string,
    override readonly exitCode: number,
  ) {
    super("launch", message)
  }
}

const deadlineMs = 15 * msPerMinute

/**
 * Sends one request. The launcher is never interrupted: what it began, it ends and books, and its answer is what we must
 * know. Throws LaunchFailed with its reason; Failed where it gave none (then the same client token asks again safely).
 */
export async function askLauncher(
  deps: ClusterDeps,
  request: LaunchProtocolRequest,
  started?: (pid: number) => void,
): Promise<LaunchedReply> {
  requireLaunchRegion(deps)
  const { code, stdout, stderr } = await deps.programs.run([deps.launcher, "--stdin-json"], {
    stdin: JSON.stringify(request),
    timeoutMs: deadlineMs,
    apart: true,
    ...(started && { started }),
  })
  const lines = stderr.split("\n").filter((line) => line !== "" && line !== "Loading request from stdin")
  const said = lines.filter((line) => !line.startsWith(askingPrefix))
  const complaint = code === 0 ? undefined : said.pop()
  // Warnings of leases that end are given once only, by whatever runs next.
  for (const line of said) deps.terminal.note(line)
  for (const line of lines) if (line.startsWith(askingPrefix)) deps.terminal.note(line)
  const reply = readLauncherReply(stdout)
  if (Array.isArray(reply)) {
    throw new Failed(
      "launch",
      `${deps.launcher} is an old one that knows no clusters: it answered ${reply.join(" ") || "nothing"} (ec2-active shows and ends what it launched)`,
    )
  }
  if (reply && isFailedReply(reply)) {
    throw new LaunchFailed(reply.error.code, withoutPrefix(reply.error.message), exitCodeOf(code))
  }
  if (!reply || code !== 0) {
    const reason = withoutPrefix(complaint ?? "") || `ended with ${code} and the output ${quoted(stdout)}`
    if (code === 3) throw new Refused("launch", reason)
    if (code === 2) throw new UsageError("launch", reason)
    throw new Failed("launch", reason)
  }
  return reply
}

/** Nothing of a launch is to be prepared in a region where nothing is launched. */
export function requireLaunchRegion({ region, launchRegion }: ClusterDeps): void {
  if (region === launchRegion) return
  throw new Refused("region", `ec2-run launches in ${launchRegion} only, not in ${quoted(region)}`)
}

function exitCodeOf(code: number): number {
  return code === 2 || code === 3 ? code : 1
}

/** Without the launcher's own name and action, which ours replace. */
function withoutPrefix(message: string): string {
  return message.replace(/^(ec2[-_]run(ner)?: )?(launch: )?/, "")
}
