/** What keeps students' commands from working although everything works for the account: the config's mode, the wrappers' prefix. */
import { accessSync, constants, existsSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Config } from "../../base/config.ts"
import { matchesGlob } from "../../base/login.ts"
import { duration } from "../../base/time.ts"
import { whyNotStarted } from "../../host/caller/start_as.ts"
import { type Finding, failing, ok } from "./finding.ts"

/** hadoop-ec2 and microproxy read the config with their caller's own rights. */
export function checkReadable({ path }: Pick<Config, "path">): Finding[] {
  try {
    accessSync(path, constants.R_OK)
  } catch {
    return [failing(path, "cannot be read by the account", `chmod a+r ${path}`)]
  }
  if ((statSync(path).mode & 0o004) === 0)
    return [
      failing(
        path,
        "cannot be read by students, whose hadoop-ec2 and microproxy read it",
        `chmod a+r ${path}`,
      ),
    ]
  for (let above = dirname(path); ; above = dirname(above)) {
    if ((statSync(above).mode & 0o001) === 0)
      return [failing(path, `is below ${above}, which students cannot enter`, `chmod a+x ${above}`)]
    if (above === "/") return [ok(path, "can be read by students")]
  }
}

export interface AccountsDeps {
  config: Config
  /** What the wrappers were built with: they refuse every login that begins otherwise. Null where it is not known. */
  prefix: string | null
  /** Logins of this host, as far as name services list them. */
  logins: readonly string[]
}

/** Whom `accounts` names, and whether the wrappers let them in. */
export function checkAccounts({ config, prefix, logins }: AccountsDeps): Finding[] {
  const { accounts } = config.course
  const what = "[course] accounts"
  if (accounts.length === 0)
    return [failing(what, "is empty: no student may use the tools", 'set it: accounts = ["cs61c-??"]')]
  if (prefix === null) return []
  const rebuild = "correct it, or build the wrappers with another --login-prefix"
  const excluded = accounts.filter((glob) => {
    const [head = ""] = glob.split(/[*?]/)
    return !head.startsWith(prefix) && !prefix.startsWith(head)
  })
  const names = logins.filter((login) => matchesGlob(accounts, login) && !login.startsWith(prefix))
  const wrong = [
    ...excluded.map((glob) =>
      failing(what, `${glob} names logins that the wrappers refuse: theirs begin with ${prefix}`, rebuild),
    ),
    ...(excluded.length === 0 && names.length > 0
      ? [
          failing(
            what,
            `names ${names.slice(0, 3).join(", ")}, and the wrappers refuse all that do not begin with ${prefix}`,
            rebuild,
          ),
        ]
      : []),
  ]
  return wrong.length > 0 ? wrong : [ok(what, `${accounts.join(", ")}; the wrappers let them in`)]
}

/** What a command without options gets. */
export function checkDefaults({ launch, leases }: Config): Finding[] {
  const missing = [
    ...(launch.image === "" ? ["image"] : []),
    ...(launch.instanceType === "" ? ["instance_type"] : []),
  ]
  return [
    missing.length === 0
      ? ok("[launch]", "names an image and a type")
      : failing(
          "[launch]",
          `names no ${missing.join(" and no ")}: ec2-run without options fails`,
          'set image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" and instance_type = "t3.micro"',
        ),
    leases.defaultMs > leases.maxMs
      ? failing(
          "[leases] default_hours",
          `is ${duration(leases.defaultMs)}, more than max_hours, ${duration(leases.maxMs)}`,
          "lower default_hours or raise max_hours",
        )
      : ok("[leases]", `${duration(leases.defaultMs)}, at most ${duration(leases.maxMs)}`),
  ]
}

/** What the wrapper says to a student who asks for its version; null where it starts. Only root can ask. */
export interface StartedAs {
  login: string
  refusal: string | null
}

/** Asks a command for its version as a student of this host. */
export function startedAsStudent(
  { course }: Config,
  prefix: string,
  logins: readonly string[],
): StartedAs | null {
  const command = join(prefix, "bin", "ec2-run")
  const login = logins.find((name) => matchesGlob(course.accounts, name) && !matchesGlob(course.staff, name))
  if (login === undefined || !existsSync(command)) return null
  const refusal = whyNotStarted(login, [command, "--version"])
  return refusal === undefined ? null : { login, refusal }
}

export function checkStarted(started: StartedAs | null): Finding[] {
  if (started === null) return []
  const what = `ec2-run as ${started.login}`
  return started.refusal === null
    ? [ok(what, "starts")]
    : [failing(what, started.refusal, "see the other findings; if there is none, run the installer again")]
}

/** A login that `accounts` allows and nobody has used: a fresh student's. */
export function freshLogin(
  { course, limitsOfUsers }: Config,
  isKnown: (login: string) => boolean,
): string | null {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"]
  const samples = course.accounts.flatMap((glob) =>
    letters.flatMap((first) =>
      letters.map((second) => {
        const wild = [first, second]
        return glob.replaceAll("*", "a").replaceAll("?", () => wild.shift() ?? "a")
      }),
    ),
  )
  return samples.find((login) => !isKnown(login) && !(login in limitsOfUsers)) ?? samples[0] ?? null
}
