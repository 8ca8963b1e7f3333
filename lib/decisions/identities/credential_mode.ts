/** Who has which kind of credentials. Both kinds may stand side by side during a term. */
import type { Config, CredentialMode } from "../../base/config.ts"

type IdentityConfig = Pick<Config, "identity">

export function credentialModeOf({ identity }: IdentityConfig, login: string): CredentialMode {
  return identity.users[login]?.credentials ?? identity.credentials
}

/** Whether the config gives any login this kind of credentials. */
export function usesMode({ identity }: IdentityConfig, mode: CredentialMode): boolean {
  return (
    identity.credentials === mode ||
    Object.values(identity.users).some(({ credentials }) => credentials === mode)
  )
}
