/** `ssh_keys`: the EC2 key pairs of a user, with the private half where we made it. */
import type { Db } from "../db.ts"

export interface SshKeyRow {
  /** `LOGIN-NAME`. */
  name: string
  /** PEM; null where the user imported a public key and kept the private one. */
  privateKey: string | null
  /** `ssh-ed25519 AAAA…`; null in rows of the old tools. */
  publicKey: string | null
  /** As EC2 showed it when the key was made or imported. */
  fingerprint: string
}

const columns = `key_name AS name, private_key AS "privateKey", public_key AS "publicKey", fingerprint`

export function sshKeys(db: Db) {
  return {
    ofUser: (login: string): SshKeyRow[] =>
      db
        .query<SshKeyRow, [string]>(`SELECT ${columns} FROM ssh_keys WHERE user_name = ? ORDER BY key_name`)
        .all(login),
    /** Null where there is none, or it is another user's. */
    get: (login: string, name: string): SshKeyRow | null =>
      db
        .query<SshKeyRow, [string, string]>(
          `SELECT ${columns} FROM ssh_keys WHERE user_name = ? AND key_name = ?`,
        )
        .get(login, name),
    /** Adds or replaces; needs the user's row. */
    put(login: string, { name, privateKey, publicKey, fingerprint }: SshKeyRow): void {
      db.query(
        `INSERT INTO ssh_keys(user_name, key_name, private_key, public_key, fingerprint) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (key_name) DO UPDATE SET user_name = excluded.user_name, private_key = excluded.private_key,
           public_key = excluded.public_key, fingerprint = excluded.fingerprint`,
      ).run(login, name, privateKey, publicKey, fingerprint)
    },
    remove(name: string): void {
      db.query("DELETE FROM ssh_keys WHERE key_name = ?").run(name)
    },
  }
}
