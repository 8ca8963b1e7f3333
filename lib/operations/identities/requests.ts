/** What `ec2_util` was asked for, served in the order that its options have always had. */
import { Failed, Refused, UsageError } from "../../base/errors.ts"
import { credentialModeOf } from "../../decisions/identities/credential_mode.ts"
import { defaultKeyName, keyNameOf } from "../../decisions/identities/key_name.ts"
import { madeByHand } from "../../decisions/identities/plan.ts"
import { withLoginLock } from "../../host/processes/login_lock.ts"
import { changePassword } from "./change_password.ts"
import { type Converged, convergeIdentity } from "./converge.ts"
import type { IdentityDeps } from "./deps.ts"
import { type Removal, removeIdentity } from "./removal.ts"
import { deleteSshKey, dumpSshKey, ensureSshKey, requireSameKey } from "./ssh_keys.ts"

export interface IdentityRequests {
  deleteAccount: boolean
  terminateInstances: boolean
  init: boolean
  showPassword: boolean
  /** Chosen by the user; null: unchanged. */
  newPassword: string | null
  createSshKey: boolean
  /** Public key to import; null: none. */
  importSshKey: string | null
  deleteSshKey: boolean
  dumpSshKey: boolean
  rotateSecret: boolean
  list: boolean
  /** As given; null: the default key. */
  keyName: string | null
  dryRun: boolean
}

/** The state after serving, for `--json`. */
export interface IdentityReport {
  login: string
  dry_run: boolean
  deleted?: Removal
  created?: boolean
  /** What `--init` or `--rotate-secret` did, or would do. */
  steps?: string[]
  files?: string[]
  password?: string | null
  access_key?: string | null
  secret_access_key?: string | null
  ssh_keys?: { name: string; fingerprint: string }[]
}

/** Serves all, one after another, and says each result when it is there; the first failure ends it. */
export async function serveRequests(
  deps: IdentityDeps,
  asked: IdentityRequests,
  say: (line: string) => void,
): Promise<IdentityReport> {
  const keyName = asked.keyName === null ? defaultKeyName(deps.login) : keyNameOf(deps.login, asked.keyName)
  if (asked.deleteSshKey && asked.keyName === null) throw new UsageError("delete ssh key", "needs --key-name")
  const { dataDir } = deps.config.paths
  return withLoginLock(dataDir, deps.login, deps, () => new Session(deps, asked, keyName, say).serve())
}

class Session {
  private readonly report: IdentityReport

  constructor(
    private readonly deps: IdentityDeps,
    private readonly asked: IdentityRequests,
    private readonly keyName: string,
    private readonly say: (line: string) => void,
  ) {
    this.report = { login: deps.login, dry_run: asked.dryRun }
  }

  async serve(): Promise<IdentityReport> {
    const { asked, deps, keyName } = this
    const { dryRun } = asked
    if (asked.deleteAccount) await this.deleteAccount()
    if (asked.init) await this.init()
    if (asked.showPassword) this.sayPassword()
    if (asked.newPassword !== null && !dryRun) {
      await changePassword(deps, asked.newPassword)
      this.say("AWS profile password changed.")
    }
    if (asked.createSshKey) await this.makeSshKey(null)
    // With --init, the default key has been imported there.
    if (asked.importSshKey !== null && !this.initImports()) await this.makeSshKey(asked.importSshKey)
    if (asked.deleteSshKey) {
      await deleteSshKey(deps, keyName, { dryRun })
      this.say(`${dryRun ? "Would delete" : "Deleting"} SSH key ${keyName}`)
    }
    if (asked.dumpSshKey) this.dump(keyName)
    if (asked.rotateSecret) {
      this.showPlan(await convergeIdentity(deps, { rotate: true, dryRun }))
      this.sayKeys()
    }
    if (asked.list) {
      this.sayKeys()
      if (deps.usersDb.users.get(deps.login) === null)
        deps.progress(`${deps.login} has no account yet; --init makes it`)
    }
    return this.report
  }

  private async deleteAccount(): Promise<void> {
    const { terminateInstances, dryRun } = this.asked
    const removal = await removeIdentity(this.deps, { terminateInstances, dryRun })
    this.report.deleted = removal
    for (const what of removal.removed) this.say(`${dryRun ? "Would delete" : "Deleted"} ${what}`)
    const [first] = removal.failed
    if (first) {
      const all = removal.failed.map(({ what, reason }) => `${what} (${reason})`).join("; ")
      throw new Failed("delete account", `could not be removed: ${all}; run it again`)
    }
    if (removal.removed.length === 0) this.say("There is no account.")
  }

  private initImports(): boolean {
    return this.asked.init && this.keyName === defaultKeyName(this.deps.login)
  }

  private async init(): Promise<void> {
    const { asked, deps } = this
    const publicKey = this.initImports() ? asked.importSshKey : null
    const name = defaultKeyName(deps.login)
    const recorded = deps.usersDb.sshKeys.get(deps.login, name)
    requireSameKey(recorded?.publicKey ?? null, name, recorded ? publicKey : null)
    if (this.hasSessions && publicKey === null && recorded === null) this.say(importHint)
    const converged = await convergeIdentity(deps, { publicKey, dryRun: asked.dryRun })
    this.report.created = converged.isNew
    this.showPlan(converged)
    if (asked.dryRun) return
    this.say(converged.isNew ? "Creating account..." : "Using existing account.")
    if (this.hasSessions) this.saySession(converged)
    else this.sayPassword()
    if (converged.madeSshKey) this.say(`Creating SSH key ${name}`)
    if (converged.written.includes(`${name}.pem`)) this.say(dumping(name))
    this.sayKeys()
  }

  private get hasSessions(): boolean {
    return credentialModeOf(this.deps.config, this.deps.login) === "sessions"
  }

  private saySession({ retired }: Converged): void {
    for (const path of retired)
      this.say(`Moving ${path} to ${path}.old: it holds an access key, and you have sessions now.`)
    const { name } = this.deps.config.course
    this.say(`AWS profile ${name} asks ec2-util for your session, which lasts for some hours at most.`)
  }

  private showPlan({ steps, written }: Converged): void {
    this.report.steps = steps
    this.report.files = written
    if (this.asked.dryRun) for (const step of steps) this.say(`Would ${step}`)
    else for (const step of steps.filter((one) => one.includes(madeByHand))) this.say(`Done: ${step}`)
  }

  private async makeSshKey(publicKey: string | null): Promise<void> {
    const { deps, keyName: name } = this
    const what = publicKey === null ? "Creating" : "Importing"
    if (this.asked.dryRun) {
      this.say(`Would ${publicKey === null ? "create" : "import"} SSH key ${name}`)
      return
    }
    const made = await ensureSshKey(deps, name, publicKey)
    this.say(made === "made" ? `${what} SSH key ${name}` : `Using existing SSH key ${name}`)
    if (publicKey === null && deps.usersDb.sshKeys.get(deps.login, name)?.privateKey) this.dump(name)
    this.reportKeys()
  }

  private dump(name: string): void {
    if (!this.asked.dryRun) dumpSshKey(this.deps, name)
    this.say(dumping(name))
  }

  private sayPassword(): void {
    const { login, usersDb } = this.deps
    if (this.hasSessions)
      throw new Refused("show password", `${login} has sessions and no password; use ec2-util --console`)
    const password = usersDb.users.get(login)?.password
    this.report.password = password ?? null
    if (password) this.say(`AWS profile pasword is ${password}`)
    else if (!this.asked.init) throw new Failed("show password", `none of ${login} is known; --init sets one`)
  }

  private reportKeys(): void {
    const { login, usersDb } = this.deps
    const key = usersDb.accessKeys.ofUser(login).at(-1)
    this.report.access_key = key?.id ?? null
    this.report.secret_access_key = key?.secret ?? null
    this.report.ssh_keys = usersDb.sshKeys
      .ofUser(login)
      .map(({ name, fingerprint }) => ({ name, fingerprint }))
  }

  private sayKeys(): void {
    this.reportKeys()
    if (this.hasSessions) {
      // A key of before works until staff retire it; it is in no file any more.
      this.report.access_key = null
      this.report.secret_access_key = null
    }
    const { access_key, secret_access_key, ssh_keys = [] } = this.report
    if (access_key) {
      this.say(`Your AWS access key is ${access_key}`)
      this.say(`Your AWS secret access key is ${secret_access_key}`)
    }
    for (const { name, fingerprint } of ssh_keys) this.say(`SSH Key ${name} (fingerprint ${fingerprint})`)
  }
}

/** What keeps a private key from being made and stored on our side. */
const importHint =
  "You can keep your private key to yourself: ec2-util --init --import-ssh-key < ~/.ssh/id_ed25519.pub uses yours, " +
  "once ec2-util --delete-ssh-key --key-name default has removed the one that is made now."

function dumping(name: string): string {
  return `Dumping SSH key ${name} to $HOME/${name}.pem`
}
