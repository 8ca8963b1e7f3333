import { expect, test } from "bun:test"
import type { Config, CredentialMode } from "../../../lib/base/config.ts"
import { credentialModeOf, usesMode } from "../../../lib/decisions/identities/credential_mode.ts"

const course = (credentials: CredentialMode, users: Record<string, CredentialMode> = {}) => ({
  identity: {
    credentials,
    users: Object.fromEntries(Object.entries(users).map(([login, mode]) => [login, { credentials: mode }])),
  } as Config["identity"],
})

test.each<[config: ReturnType<typeof course>, mode: CredentialMode, keys: boolean, sessions: boolean]>([
  [course("keys"), "keys", true, false],
  [course("sessions"), "sessions", false, true],
  [course("keys", { "cs61c-aa": "sessions" }), "sessions", true, true],
  [course("sessions", { "cs61c-bb": "keys" }), "sessions", true, true],
])("%j gives cs61c-aa %s", (config, mode, keys, sessions) => {
  expect(credentialModeOf(config, "cs61c-aa")).toBe(mode)
  expect([usesMode(config, "keys"), usesMode(config, "sessions")]).toEqual([keys, sessions])
})
