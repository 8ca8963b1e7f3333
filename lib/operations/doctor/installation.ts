/** Are the programs where they should be, as they should be, on a file system that lets them work? */
import { existsSync, lstatSync, type Stats } from "node:fs"
import { dirname, join } from "node:path"
import { commands, cronName, tools } from "../../base/commands.ts"
import { mountOf } from "../../host/files/mounts.ts"
import { attempt, type Finding, failing, ok, warning } from "./finding.ts"

export interface InstallationDeps {
  prefix: string
  /** The privileged account's uid: the owner of the data directory. */
  accountUid: number
}

const again = "run the installer again"

export async function checkInstallation(deps: InstallationDeps): Promise<Finding[]> {
  if (!existsSync(deps.prefix))
    return [failing("programs", `${deps.prefix} does not exist`, "run the installer")]
  const findings = await Promise.all([
    attempt("programs", again, () => checkWrappers(deps)),
    attempt("programs", again, () => checkTools(deps)),
    attempt("directories", again, () => checkDirectoriesAbove(join(deps.prefix, "libexec"), deps.accountUid)),
    attempt("mount", "", () => checkMount(deps.prefix)),
    attempt("crontab", again, () => checkCrontab(deps.prefix)),
  ])
  return findings.flat()
}

function checkWrappers({ prefix, accountUid }: InstallationDeps): Finding[] {
  return commands.flatMap(({ name, setuid }) => {
    const path = join(prefix, "bin", name)
    const wanted = setuid ? { uid: accountUid, mode: 0o4755 } : { uid: 0, mode: 0o755 }
    return difference(path, wanted)
  })
}

function checkTools({ prefix }: InstallationDeps): Finding[] {
  // Unreadable, so that the kernel makes what runs from it neither dumpable nor traceable.
  return tools.flatMap((tool) => difference(join(prefix, "libexec", tool), { uid: 0, mode: 0o111 }))
}

function difference(path: string, wanted: { uid: number; mode: number }): Finding[] {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats) return [failing(path, "is missing", again)]
  if (!stats.isFile()) return [failing(path, "is no regular file", `remove it and ${again}`)]
  const mode = stats.mode & 0o7777
  if (stats.uid === wanted.uid && mode === wanted.mode) return [ok(path, `mode ${octal(mode)}`)]
  const found = `uid ${stats.uid}, mode ${octal(mode)}; wanted uid ${wanted.uid}, mode ${octal(wanted.mode)}`
  return [failing(path, found, again)]
}

/** As native/trusted_path.c will look at them. */
function checkDirectoriesAbove(directory: string, accountUid: number): Finding[] {
  const findings: Finding[] = []
  for (let path = directory; ; path = dirname(path)) {
    const reason = whyUnsafe(lstatSync(path), accountUid)
    if (reason)
      findings.push(failing(path, reason, "chown it to root and chmod go-w it: the wrappers refuse to start"))
    if (path === "/") break
  }
  return findings.length > 0 ? findings : [ok(directory, "only root can change what leads there")]
}

function whyUnsafe(stats: Stats, accountUid: number): string | null {
  if (stats.isSymbolicLink()) return "is a link"
  if (stats.uid !== 0 && stats.uid !== accountUid) return `belongs to uid ${stats.uid}`
  const stickyOfRoot = stats.uid === 0 && (stats.mode & 0o1000) !== 0
  return (stats.mode & 0o022) !== 0 && !stickyOfRoot
    ? `can be written by others (mode ${octal(stats.mode & 0o7777)})`
    : null
}

function checkMount(prefix: string): Finding[] {
  const { point, options } = mountOf(prefix)
  for (const option of ["nosuid", "noexec"]) {
    if (options.includes(option))
      return [failing(`mount ${point}`, `is mounted ${option}`, "remount it, or build with another --prefix")]
  }
  return [ok(`mount ${point}`, "lets setuid programs work")]
}

function checkCrontab(prefix: string): Finding[] {
  const path = join("/etc/cron.d", cronName(prefix))
  if (!existsSync(path)) return [warning(path, "is missing", `${again}, unless cron is set up elsewhere`)]
  return difference(path, { uid: 0, mode: 0o644 })
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0")
}
