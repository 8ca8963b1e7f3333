/** The build's options, all checked before the first file of an earlier build goes. */
import { UsageError } from "../lib/base/errors.ts"
import { quoted } from "../lib/base/text.ts"
import { type Arguments, type ArgumentTable, readArguments } from "../lib/terminal/arguments.ts"

const argumentTable = {
  what: { type: "positional", required: false, description: "deb or rpm: a package, too" },
  prefix: { type: "string", default: "/opt/ec2-wrappers" },
  config: { type: "string", default: "/etc/ec2-wrappers/config.toml" },
  outdir: { type: "string", default: "dist" },
  account: { type: "string", default: "cs61c" },
  "login-prefix": { type: "string", default: "cs61c" },
  slots: {
    type: "string",
    default: "/var/lib/ec2-wrappers/slots",
    description: "Where the wrappers count the runs of each caller",
  },
  target: {
    type: "enum",
    options: ["x64", "arm64"],
    description: "The processor to build for; another one than this needs Debian's cross compiler",
  },
  compact: {
    type: "boolean",
    description: "One executable that holds all tools, hard-linked under each name (packages use it)",
  },
  only: {
    type: "string",
    multiple: true,
    description: "Only this tool and what calls it, or only this command; the rest stays as it is",
  },
} as const satisfies ArgumentTable

export type Target = "x64" | "arm64"
/** The processor that the build runs on. */
export const ownTarget: Target = process.arch === "arm64" ? "arm64" : "x64"
export type BuildOptions = Arguments<typeof argumentTable> & { target: Target }

const usage = `bun build.ts [--prefix DIR] [--config FILE] [--outdir DIR] [--account LOGIN] [--login-prefix P]
             [--slots DIR] [--target x64|arm64] [--compact] [--only TOOL] [deb | rpm]`

/** Reads the command line; ends the process at --help, and at the first mistake. */
export function readBuildOptions(argv: string[]): BuildOptions {
  if (argv.includes("--help")) {
    console.log(usage)
    process.exit(0)
  }
  try {
    const given = readArguments(argumentTable, argv)
    const { what, prefix, config, account, slots, "login-prefix": loginPrefix } = given
    if (what !== undefined && what !== "deb" && what !== "rpm")
      throw new UsageError("arguments", `${quoted(what)} cannot be built, wanted deb, rpm or nothing`)
    plainPath("prefix", prefix)
    plainPath("config", config)
    plainPath("slots", slots)
    plainLogin("account", account)
    if (loginPrefix !== "") plainLogin("login-prefix", loginPrefix)
    return { ...given, target: given.target ?? ownTarget, compact: given.compact || what !== undefined }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`build.ts: ${error.message}`)
    process.exit(1)
  }
}

/** What is compiled into a setuid program is no place for surprises. */
function plainPath(option: string, path: string): void {
  if (/^(\/[\w.+-]+)+$/.test(path) && !/\/\.\.?(\/|$)/.test(path)) return
  throw new UsageError("options", `--${option} leads to ${quoted(path)}, wanted a plain absolute path`)
}

function plainLogin(option: string, login: string): void {
  if (/^[\w+=.@][\w+=.@-]{0,31}$/.test(login)) return
  throw new UsageError(
    "options",
    `--${option} is ${quoted(login)}, wanted at most 32 letters, digits and _ + = . @ -, not beginning with -`,
  )
}
