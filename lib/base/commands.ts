/** What people call, and the tool behind it: build.ts makes them, doctor looks whether they are as they should be. */

export interface CommandEntry {
  name: string
  tool: string
  /** Crosses into the privileged account through native/setuid_wrap.c; else it only starts the tool (native/plain_wrap.c). */
  setuid: boolean
}

export const commands: readonly CommandEntry[] = [
  { name: "ec2-util", tool: "ec2_util", setuid: true },
  { name: "ec2-run", tool: "ec2_runner", setuid: true },
  { name: "ec2-active", tool: "ec2_active", setuid: true },
  { name: "ec2-usage", tool: "usage_report", setuid: true },
  { name: "hadoop-ec2", tool: "hadoop_ec2", setuid: false },
  { name: "microproxy", tool: "microproxy", setuid: false },
  { name: "emr-proxy-into", tool: "emr_proxy_into", setuid: false },
]

/** The name of an installation's files in /etc/cron.d, where cron skips names with dots, and /etc/logrotate.d. */
export function cronName(prefix: string): string {
  return (prefix.split("/").at(-1) ?? "").replaceAll(".", "-")
}
