/** Sessions as clients of AWS and people read them. Their secrets go to standard output and nowhere else. */
import { shellWord } from "../base/text.ts"
import { duration, isoUtc, type UtcMs } from "../base/time.ts"
import type { SessionRow } from "../db/identities/sessions.ts"
import { winningVariables } from "../decisions/identities/home_contents.ts"

export const credentialFormats = ["process", "env", "json"] as const
export type CredentialFormat = (typeof credentialFormats)[number]

/**
 * A session as text: `process` for the SDKs' `credential_process` (Version 1, one line), `env` for a shell's `eval`, `json` for scripts.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
 */
export function sessionText(session: SessionRow, format: CredentialFormat): string {
  const { login, accessKey, secret, token, expiresAtUtcMs } = session
  const Expiration = isoUtc(expiresAtUtcMs)
  switch (format) {
    case "process":
      return JSON.stringify({
        Version: 1,
        AccessKeyId: accessKey,
        SecretAccessKey: secret,
        SessionToken: token,
        Expiration,
      })
    case "env":
      return [
        `unset ${winningVariables.join(" ")}`,
        ...Object.entries({
          AWS_ACCESS_KEY_ID: accessKey,
          AWS_SECRET_ACCESS_KEY: secret,
          AWS_SESSION_TOKEN: token,
          AWS_CREDENTIAL_EXPIRATION: Expiration,
        }).map(([name, value]) => `export ${name}=${shellWord(value)}`),
      ].join("\n")
    case "json":
      return JSON.stringify({
        login,
        access_key: accessKey,
        secret_access_key: secret,
        session_token: token,
        expires_at_utc: Expiration,
      })
  }
}

/** What a person at a terminal is told beside a sign-in link. */
export function linkNote(usableMs: number, untilUtcMs: UtcMs, now: UtcMs): string {
  return (
    `The link can be opened for ${duration(usableMs)}; whoever has it is you. You are signed in for ` +
    `${duration(untilUtcMs - now)}, until ${isoUtc(untilUtcMs)}.`
  )
}
