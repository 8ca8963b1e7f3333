/** Writes an identity's files into the home, and keeps beside each what a person had changed. */
import { type HomeContent, homeContents, privateKeyFile } from "../../decisions/identities/home_contents.ts"
import type { IdentityDeps } from "./deps.ts"

type HomeDeps = Pick<IdentityDeps, "config" | "home" | "login" | "usersDb">

export interface HandedOver {
  accessKey: { id: string; secret: string }
  /** Null where the user keeps the private half. */
  sshKey: { name: string; privateKey: string | null } | null
}

/**
 * Writes all files; where one cannot be written, those written before get their old content back, so that the home never has
 * half of a new key. `isRestored` of the error says whether that worked.
 */
export function writeHome(deps: HomeDeps, { accessKey, sshKey }: HandedOver): string[] {
  const { config, home, login } = deps
  const files = homeContents({
    login,
    home: home.directory,
    course: config.course.name,
    region: config.aws.region,
    endpoint: config.aws.endpoint,
    image: config.launch.image,
    accessKey,
  })
  if (sshKey?.privateKey) files.unshift(privateKeyFile(sshKey.name, sshKey.privateKey))
  const before = new Map<string, string | null>()
  try {
    for (const file of files) before.set(file.path, writeHomeFile(deps, file))
  } catch (error) {
    throw new HomeNotWritten(restored(deps, before), { cause: error })
  }
  return files.map(({ path }) => path)
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

/** Writes one file; returns what was there. */
export function writeHomeFile({ home, login, usersDb }: HomeDeps, file: HomeContent): string | null {
  const old = home.read(file.path)
  const content = file.content(old)
  const isOurs =
    old === null || old === content || sha256(old) === usersDb.homeFiles.sha256Of(login, file.path)
  home.write(file.path, content, { keepOld: !isOurs && !file.merged })
  if (!file.merged) usersDb.homeFiles.put(login, file.path, sha256(content))
  return old
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
