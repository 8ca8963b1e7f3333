/**
 * The one executable of `bun build.ts --compact`: it holds all tools and is each of them by the name under which the kernel started it.
 * It is no tool under any other name. tests/packaging/all_tools.test.ts compares the table with the scripts.
 */
import { messageOf } from "../lib/base/errors.ts"
import { quoted } from "../lib/base/text.ts"
import { main, refusedToStart, type Tool } from "../lib/cli.ts"
import { executedName } from "../lib/host/processes/executed_tool.ts"

export const allTools = {
  audit: async () => (await import("../scripts/audit.ts")).tool as Tool,
  backup_dbs: async () => (await import("../scripts/backup_dbs.ts")).tool as Tool,
  course_freeze: async () => (await import("../scripts/course_freeze.ts")).tool as Tool,
  course_sweep: async () => (await import("../scripts/course_sweep.ts")).tool as Tool,
  doctor: async () => (await import("../scripts/doctor.ts")).tool as Tool,
  ec2_active: async () => (await import("../scripts/ec2_active.ts")).tool as Tool,
  ec2_runner: async () => (await import("../scripts/ec2_runner.ts")).tool as Tool,
  ec2_ssh: async () => (await import("../scripts/ec2_ssh.ts")).tool as Tool,
  ec2_util: async () => (await import("../scripts/ec2_util.ts")).tool as Tool,
  emr_proxy_into: async () => (await import("../scripts/emr_proxy_into.ts")).tool as Tool,
  hadoop_ec2: async () => (await import("../scripts/hadoop_ec2.ts")).tool as Tool,
  init_dbs: async () => (await import("../scripts/init_dbs.ts")).tool as Tool,
  kill_all_accounts: async () => (await import("../scripts/kill_all_accounts.ts")).tool as Tool,
  microproxy: async () => (await import("../scripts/microproxy.ts")).tool as Tool,
  requests: async () => (await import("../scripts/requests.ts")).tool as Tool,
  roster: async () => (await import("../scripts/roster.ts")).tool as Tool,
  setup: async () => (await import("../scripts/setup.ts")).tool as Tool,
  usage_cron: async () => (await import("../scripts/usage_cron.ts")).tool as Tool,
  usage_report: async () => (await import("../scripts/usage_report.ts")).tool as Tool,
} as const

/** The tool of that name; throws where there is none. */
function loaderOf(name: string): () => Promise<Tool> {
  if (Object.hasOwn(allTools, name)) return allTools[name as keyof typeof allTools]
  throw new Error(
    `holds no tool named ${quoted(name)}; call one that is installed: ${Object.keys(allTools).join(" ")}`,
  )
}

if (import.meta.main) {
  try {
    await main(await loaderOf(executedName())())
  } catch (error) {
    console.error(`ec2-wrappers: ${messageOf(error)}`)
    process.exit(refusedToStart)
  }
}
