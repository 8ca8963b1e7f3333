/** Writes an identity's files into the home, and keeps beside each what a person had changed. */
import {
  filesWithSecrets,
  type HomeContent,
  homeContents,
  privateKeyFile,
  sessionEnvironment,
  sessionHomeContents,
} from "../../decisions/identities/home_contents.ts"
import { utilityPath } from "../../host/config/config_programs.ts"
import type { IdentityDeps } from "./deps.ts"

type HomeDeps = Pick<IdentityDeps, "config" | "home" | "login" | "usersDb">

export interface HandedOver {
  /** Null: the login has sessions, and no file gets a secret. */
  accessKey: { id: string; secret: string } | null
  /** Null where the user keeps the private half. */
  sshKey: { name: string; privateKey: string | null } | null
}

/**
 * Writes all files; where one cannot be written, those written before get their old content back, so that the home never has
 * half of a new key. `isRestored` of the error says whether that worked. Returns the paths.
 */
export function writeHome(deps: HomeDeps, { accessKey, sshKey }: HandedOver): string[] {
  const { config, home, login } = deps
  const facts = {
    login,
    home: home.directory,
    course: config.course.name,
    region: config.aws.region,
    endpoint: config.aws.endpoint,
    image: config.launch.image,
  }
  const files = accessKey
    ? homeContents({ ...facts, accessKey })
    : sessionHomeContents({ ...facts, utility: utilityPath() })
  if (sshKey?.privateKey) files.unshift(privateKeyFile(sshKey.name, sshKey.privateKey))
  const before = new Map<string, string | null>()
  const written: string[] = []
  try {
    for (const file of files) {
      const { old, isWritten } = writeHomeFile(deps, file)
      before.set(file.path, old)
      if (isWritten) written.push(file.path)
    }
  } catch (error) {
    throw new HomeNotWritten(restored(deps, before), { cause: error })
  }
  return written
}

/**
 * Moves files with an access key to `NAME.old` for a login with sessions; returns those moved. Only what we wrote, or what holds a
 * recorded key of the login: a file that a person made for something else stays.
 */
export function retireSecretFiles({ home, login, usersDb }: HomeDeps): string[] {
  const keys = usersDb.accessKeys.ofUser(login)
  return filesWithSecrets.filter((path) => {
    const text = readOrNull(home, path)
    if (text === null) return false
    const isOurs =
      sha256(text) === usersDb.homeFiles.sha256Of(login, path) || keys.some(({ id }) => text.includes(id))
    if (isOurs) home.retire(path)
    return isOurs
  })
}

/** We did not make a link, a pipe or a directory of that name. */
function readOrNull(home: HomeDeps["home"], path: string): string | null {
  try {
    return home.read(path)
  } catch {
    return null
  }
}

/** Whether the home's files are those of a login with sessions, as far as we wrote them last. */
export function hasSessionHome({ usersDb }: Pick<HomeDeps, "usersDb">, login: string): boolean {
  return usersDb.homeFiles.sha256Of(login, "ec2-environment.sh") === sha256(sessionEnvironment(utilityPath()))
}

/** The home could not be written; its `cause` says why. */
export class HomeNotWritten extends Error {
  constructor(
    /** Whether every file has its old content again. */
    readonly isRestored: boolean,
    options: ErrorOptions,
  ) {
    super("the home cannot be written", options)
  }
}

/** Writes one file where it has a content; returns what was there. */
export function writeHomeFile(
  { home, login, usersDb }: HomeDeps,
  file: HomeContent,
): { old: string | null; isWritten: boolean } {
  const old = home.read(file.path)
  const content = file.content(old)
  if (content === null) return { old, isWritten: false }
  const isOurs =
    old === null || old === content || sha256(old) === usersDb.homeFiles.sha256Of(login, file.path)
  home.write(file.path, content, { keepOld: !isOurs && !file.merged })
  if (!file.merged) usersDb.homeFiles.put(login, file.path, sha256(content))
  return { old, isWritten: true }
}

/** Files that were not there before stay: their contents are of no use, and do no harm. */
function restored({ home }: HomeDeps, before: Map<string, string | null>): boolean {
  try {
    for (const [path, content] of before) if (content !== null) home.write(path, content)
    return true
  } catch {
    return false
  }
}

function sha256(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex")
}
