/** What people call and what runs behind it. build.ts and the installer make these, doctor checks them, errors start with their names. */

export interface CommandEntry {
  name: string
  tool: string
  /** Crosses into the privileged account through native/setuid_wrap.c; else it only starts the tool (native/plain_wrap.c). */
  setuid: boolean
}

/** The programs in PREFIX/bin. */
export const commands: readonly CommandEntry[] = [
  { name: "ec2-util", tool: "ec2_util", setuid: true },
  { name: "ec2-run", tool: "ec2_runner", setuid: true },
  { name: "ec2-active", tool: "ec2_active", setuid: true },
  { name: "ec2-usage", tool: "usage_report", setuid: true },
  { name: "ec2-ssh", tool: "ec2_ssh", setuid: false },
  { name: "hadoop-ec2", tool: "hadoop_ec2", setuid: false },
  { name: "microproxy", tool: "microproxy", setuid: false },
  { name: "emr-proxy-into", tool: "emr_proxy_into", setuid: false },
]

/** What staff and cron start from PREFIX/libexec: no command stands in front of these. */
const uncommandedTools = [
  "usage_cron",
  "course_freeze",
  "audit",
  "kill_all_accounts",
  "roster",
  "requests",
  "course_sweep",
  "doctor",
  "setup",
  "init_dbs",
  "backup_dbs",
] as const

/** The programs in PREFIX/libexec, one for each script. */
export const tools: readonly string[] = [
  ...new Set([...commands.map(({ tool }) => tool), ...uncommandedTools]),
]

/**
 * The name that errors and usage start with: the command that the wrapper says it is, where that command runs this tool; else the
 * tool's own. `claimed` is EC2_WRAPPERS_COMMAND, which the caller of a tool run directly may have set to anything.
 */
export function typedName(tool: string, claimed: string | undefined): string {
  return commands.find((command) => command.tool === tool && command.name === claimed)?.name ?? tool
}

/** Whether a setuid wrapper may start this tool: a command of that kind stands in front of it. Tests have tools of their own. */
export function isForWrapper(tool: string): boolean {
  return !tools.includes(tool) || commands.some((command) => command.tool === tool && command.setuid)
}

/** The name of an installation's files in /etc/cron.d, where cron skips names with dots, and /etc/logrotate.d. */
export function cronName(prefix: string): string {
  return (prefix.split("/").at(-1) ?? "").replaceAll(".", "-")
}

/** The manual page of a tool: the command that people type, or the tool itself where cron and staff start it. */
export function manualPageOf(tool: string): string {
  return commands.find((command) => command.tool === tool)?.name ?? tool
}
