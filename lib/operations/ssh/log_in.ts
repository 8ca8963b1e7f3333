/** ssh and scp as the person would have called them, with strict checking and nothing forwarded. Always lists of words. */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import { shellCommand } from "../../decisions/ssh/shell_words.ts"
import type { LoginTarget } from "./deps.ts"

/** ssh takes the first value it reads of each option: what stands here, no configuration file undoes. */
function checkedOptions({ id, knownHosts, privateKey }: LoginTarget, { batch = false } = {}): string[] {
  const options = {
    UserKnownHostsFile: `"${knownHosts.replaceAll("%", "%%")}"`,
    GlobalKnownHostsFile: "/dev/null",
    // Addresses come back with other machines behind them; ids do not.
    HostKeyAlias: id,
    StrictHostKeyChecking: "yes",
    CheckHostIP: "no",
    UpdateHostKeys: "no",
    VerifyHostKeyDNS: "no",
    HashKnownHosts: "no",
    // Whoever is root there could use what is forwarded.
    ForwardAgent: "no",
    ForwardX11: "no",
    ClearAllForwardings: "yes",
    PermitLocalCommand: "no",
    Tunnel: "no",
    // A socket that is shared by address leads to whatever had that address.
    ControlMaster: "no",
    ControlPath: "none",
    ConnectTimeout: "10",
    ServerAliveInterval: "30",
    ...(batch ? { BatchMode: "yes", LogLevel: "ERROR" } : {}),
    ...(privateKey === null ? {} : { IdentitiesOnly: "yes" }),
  }
  return [
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    // ssh expands % in it.
    ...(privateKey === null ? [] : ["-i", privateKey.replaceAll("%", "%%")]),
  ]
}

/** `ssh … ADDRESS [COMMAND]`. Several words arrive as these words; a single one is the remote shell's to read. */
export function loginCommand(
  target: LoginTarget,
  command: readonly string[],
  { tty = false, batch = false, extra = [] as readonly string[] } = {},
): string[] {
  const [only] = command
  const remote =
    command.length === 1 && only !== undefined ? [only] : command.length === 0 ? [] : [shellCommand(command)]
  return [
    "ssh",
    ...extra,
    ...checkedOptions(target, { batch }),
    ...(tty ? ["-t"] : []),
    "-l",
    target.user,
    "--",
    target.address,
    ...remote,
  ]
}

/** `scp` with the instance's paths written `:PATH`; either the last path is such a one or all others are. */
export function copyFilesCommand(target: LoginTarget, paths: readonly string[]): string[] {
  const to = paths.at(-1)
  const from = paths.slice(0, -1)
  if (to === undefined || from.length === 0)
    throw new UsageError(
      "arguments",
      "--copy needs what to copy, and where to: --copy FILE... :PATH, or :PATH... DIRECTORY",
    )
  const isRemote = (path: string) => path.startsWith(":")
  const wrong = from.find((path) => isRemote(path) === isRemote(to))
  if (wrong !== undefined) {
    throw new UsageError(
      "arguments",
      `--copy goes to the instance or from it; of ${quoted(wrong)} and ${quoted(to)} one has to begin with a colon`,
    )
  }
  const { user, address } = target
  const host = `${user}@${address.includes(":") ? `[${address}]` : address}`
  // What has a colon is a host to scp, unless a slash comes first.
  const local = (path: string) => (/^[/.]/.test(path) ? path : `./${path}`)
  const words = paths.map((path) => (isRemote(path) ? `${host}${path}` : local(path)))
  return ["scp", "-r", "-p", ...checkedOptions(target), "--", ...words]
}
