/** Compiles native/postgres.c, the tools' way to PostgreSQL. Needs neither libpq nor its headers: both are opened at run time. */
import { mkdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { ownTarget, type Target } from "./options.ts"
import { compilerFor, ofProcessor } from "./wrappers.ts"

const root = join(import.meta.dir, "..")

const flags = [
  ...["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wformat=2", "-Wstrict-prototypes"],
  ...["-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=2", "-fPIC", "-shared"],
  "-fvisibility=hidden",
  "-Wl,-z,relro,-z,now,-z,noexecstack",
  "-s",
]

/** Compiles the addon for a processor to `outfile`; throws with the compiler's messages. */
export function compileAddon(outfile: string, target: Target = ownTarget): void {
  mkdirSync(dirname(outfile), { recursive: true })
  const compiled = Bun.spawnSync([
    ...[compilerFor(target), ...flags, ...ofProcessor[target], "-o", outfile],
    ...["-isystem", join(root, "node_modules/node-api-headers/include")],
    join(root, "native/postgres.c"),
  ])
  if (!compiled.success) throw new Error(`postgres.node does not compile:\n${compiled.stderr}`)
}
