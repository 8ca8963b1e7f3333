/** Compiles what people call: the setuid wrappers and the plain starters of native/. */
import { join } from "node:path"
import type { CommandEntry } from "../lib/base/commands.ts"
import { type BuildOptions, ownTarget, type Target } from "./options.ts"

const hardening = [
  ...["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wformat=2", "-Wstrict-prototypes"],
  ...["-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=2", "-fPIE", "-pie", "-s"],
  "-Wl,-z,relro,-z,now,-z,noexecstack",
]
/** Protection of returns and jumps, which each processor has in its own way. */
export const ofProcessor = { x64: ["-fcf-protection"], arm64: ["-mbranch-protection=standard"] }
const crossCompilers = { x64: "x86_64-linux-gnu-gcc", arm64: "aarch64-linux-gnu-gcc" }

/** Of the setuid wrappers, in native/. */
export const wrapperSources = [
  "setuid_wrap.c",
  "process_resets.c",
  "home_writer.c",
  "slots.c",
  "trusted_path.c",
  "refuse.c",
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
  const sources = command.setuid ? wrapperSources : ["plain_wrap.c"]
  const compiled = Bun.spawnSync([
    ...[compilerFor(options.target), ...hardening, ...ofProcessor[options.target], "-o", outfile],
    ...Object.entries(definitions).map(([name, value]) => `-D${name}=${JSON.stringify(value)}`),
    ...sources.map((source) => join("native", source)),
  ])
  if (!compiled.success) throw new Error(`${command.name} does not compile:\n${compiled.stderr}`)
}

/** Where wrappers lock slots while the data directory's own cannot be used. */
export function spareSlots(account: string): string {
  return `/var/tmp/ec2-wrappers-${account}`
}

/** The C compiler for a processor: Debian's cross compiler where it is another one than this. */
export function compilerFor(target: Target): string {
  if (target === ownTarget) return "cc"
  const compiler = crossCompilers[target]
  if (Bun.which(compiler)) return compiler
  throw new Error(
    `--target ${target}: there is no ${compiler} here (Debian: apt install gcc-${compiler.replace("-gcc", "").replace("_", "-")})`,
  )
}
