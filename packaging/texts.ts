/** The installer, units and maintainer scripts: texts with @NAMES@ that the build fills in. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { commands, cronName, tools } from "../lib/base/commands.ts"
import packageJson from "../package.json" with { type: "json" }
import type { BuildOptions } from "./options.ts"

type Values = Record<string, string>

/** What the texts may name, for these options. */
export function valuesOf(options: BuildOptions): Values {
  const named = (setuid: boolean) =>
    commands
      .filter((command) => command.setuid === setuid)
      .map(({ name }) => name)
      .join(" ")
  // As Debian's own tools take it; without it the packages name nobody.
  const { DEBFULLNAME = "Course staff", DEBEMAIL = "root@localhost" } = process.env
  return {
    MAINTAINER: `${DEBFULLNAME} <${DEBEMAIL}>`,
    VERSION: packageJson.version,
    PREFIX: options.prefix,
    NAME: cronName(options.prefix),
    CONFIG: options.config,
    ACCOUNT: options.account,
    LOGIN_PREFIX: options["login-prefix"],
    SLOTS: options.slots,
    SETUID_COMMANDS: named(true),
    PLAIN_COMMANDS: named(false),
    TOOLS: tools.join(" "),
  }
}

/** The text with each `@NAME@` filled in; throws where a name has no value. */
export function filled(text: string, values: Values): string {
  return text.replace(/@([A-Z_]+)@/g, (_, name) => {
    const value = values[name]
    if (value === undefined) throw new Error(`@${name}@ has no value`)
    return value
  })
}

/** Copies a text with its names filled in. */
export function writeFilled(from: string, to: string, mode: number, values: Values): void {
  writeFileSync(to, filled(readFileSync(from, "utf8"), values))
  chmodSync(to, mode)
}

/** The installer, one file made of the parts in packaging/install. */
export function writeInstaller(to: string, values: Values): void {
  const parts = readdirSync(join("packaging", "install"))
    .sort()
    .map((part) => readFileSync(join("packaging", "install", part), "utf8"))
  writeFileSync(to, filled(parts.join(""), values))
  chmodSync(to, 0o755)
}
