/** users.db, opened: its stores share one connection. */
import { accessKeys } from "./identities/access_keys.ts"
import { endedSessions } from "./identities/ended_sessions.ts"
import { homeFileRecords } from "./identities/home_files.ts"
import { identityIntents } from "./identities/identity_intents.ts"
import { sessionFailures } from "./identities/session_failures.ts"
import { sessions } from "./identities/sessions.ts"
import { sshKeys } from "./identities/ssh_keys.ts"
import { users } from "./identities/users.ts"
import { type OpenOptions, openDb } from "./open.ts"
import { usersSteps } from "./users_schema.ts"

export type UsersDb = ReturnType<typeof openUsersDb>

export function openUsersDb(options: OpenOptions) {
  const db = openDb({ ...options, secureDelete: true }, "ec2_users", usersSteps)
  return {
    path: options.path,
    locks: db.locks,
    users: users(db),
    accessKeys: accessKeys(db),
    sshKeys: sshKeys(db),
    intents: identityIntents(db),
    homeFiles: homeFileRecords(db),
    sessions: sessions(db),
    endedSessions: endedSessions(db),
    sessionFailures: sessionFailures(db),
    transaction: <T>(work: () => T): T => db.transaction(work),
    close: () => db.close(),
  }
}
