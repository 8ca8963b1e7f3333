/** An installed host with an emulated AWS, hostile and honest students with accounts, and leases of a minute. */
import { dataDir, type Host, prefix } from "../boundary/host.ts"
import { makeTransactionHost } from "../boundary/transaction_host.ts"
import { type Emulator, startEmulator } from "./emulator.ts"

export type Login = "cs61c-h0"
export const hostileLogins = Array.from({ length: 10 }, (_, number) => `cs61c-h${number}` as Login)
export const honestLogins = Array.from({ length: 5 }, (_, number) => `cs61c-k${number}` as Login)

export const leaseHours = 0.02
export const enforcementMinutes = 2

export interface HostileHost {
  host: Host
  emulator: Emulator
  /** Runs a command line as the account itself, as cron and staff do. */
  account(command: string): ReturnType<Host["run"]>
  close(): Promise<void>
}

/** Wrappers and what they start. */
const tools = ["ec2-run", "ec2_runner", "ec2-active", "ec2_active", "ec2_util"].concat([
  "usage_cron",
  "course_freeze",
  "setup",
  "init_dbs",
])
const key =
  '{"aws_access_key_id":"AKIAIOSFODNN7EXAMPLE","aws_secret_access_key":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}'

export async function makeHostileHost(logins: readonly Login[]): Promise<HostileHost> {
  const emulator = await startEmulator()
  emulator.proxy.world.knobs.pendingMs = 0
  const host = await makeTransactionHost(tools)
  const account = (command: string) => host.run(`${host.shared}/act gid=5000 uid=5000 -- ${command}`)
  const close = async () => {
    host.stop()
    await emulator.stop()
  }
  try {
    const ready = await host.run(`set -e
      config=/etc/ec2-wrappers/config.toml
      sed -i 's|^staff *=.*|staff = ["cs61c", "cs61c-ta"]|; s|^region.*|region = "us-east-1"\\nendpoint = "${emulator.endpoint}"|' $config
      sed -i '/^\\[leases\\]/,/^\\[/{/^default_hours\\|^enforcement_minutes\\|^enforce/d}' $config
      grep -q '^\\[leases\\]' $config || printf '[leases]\\n' >>$config
      sed -i 's|^\\[leases\\]|[leases]\\ndefault_hours = ${leaseHours}\\nenforcement_minutes = ${enforcementMinutes}\\nenforce = true|' $config
      printf '%s' '${key}' >${dataDir}/root-access-key
      chown cs61c:cs61c ${dataDir}/root-access-key; chmod 0400 ${dataDir}/root-access-key`)
    if (ready.code !== 0 || ready.stderr !== "") throw new Error(ready.stderr)
    const made = await account(`${prefix}/libexec/setup`)
    if (made.code !== 0) throw new Error(made.stderr)
    for (const login of logins) {
      const { code, stderr } = await host.as(login, [], [`${prefix}/bin/ec2-util`, "--init"])
      if (code !== 0) throw new Error(stderr)
    }
    return { host, emulator, account, close }
  } catch (error) {
    await close()
    throw error
  }
}
