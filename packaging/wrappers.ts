/** Compiles what people call: the setuid wrappers and the plain starters of native/. */
import { join } from "node:path"
import type { CommandEntry } from "../lib/base/commands.ts"
import type { BuildOptions } from "./options.ts"

const hardening = [
  ...["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wformat=2", "-Wstrict-prototypes"],
  ...["-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=2", "-fPIE", "-pie"],
  "-Wl,-z,relro,-z,now,-z,noexecstack",
  ...(process.arch === "x64" ? ["-fcf-protection"] : []),
]

/** Compiles `command` to `outfile`; throws with the compiler's messages. */
export function compileCommand(command: CommandEntry, outfile: string, options: BuildOptions): void {
  const definitions: Record<string, string> = command.setuid
    ? {
        COMMAND: command.name,
        REAL_EXECUTABLE: join(options.prefix, "libexec", command.tool),
        ACCOUNT: options.account,
        LOGIN_PREFIX: options["login-prefix"],
        SLOT_DIRECTORY: options.slots,
        SPARE_SLOT_DIRECTORY: spareSlots(options.account),
      }
    : { COMMAND: command.name, TOOL: command.tool }
  const sources = command.setuid
    ? ["setuid_wrap.c", "home_writer.c", "slots.c", "trusted_path.c", "refuse.c"]
    : ["plain_wrap.c"]
  const compiled = Bun.spawnSync([
    ...["cc", ...hardening, "-o", outfile],
    ...Object.entries(definitions).map(([name, value]) => `-D${name}=${JSON.stringify(value)}`),
    ...sources.map((source) => join("native", source)),
  ])
  if (!compiled.success) throw new Error(`${command.name} does not compile:\n${compiled.stderr}`)
}

/** Where wrappers lock slots while the data directory's own cannot be used. */
export function spareSlots(account: string): string {
  return `/var/tmp/ec2-wrappers-${account}`
}
