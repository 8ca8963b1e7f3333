/** users.db: the old tools' tables, as they made them, and what came since. */
import type { Step } from "./migrate.ts"

export const usersSteps: readonly Step[] = [
  {
    // IF NOT EXISTS: a database of the old tools has them already.
    name: "2010: users, access keys, ssh keys",
    up: `
      CREATE TABLE IF NOT EXISTS users(
        user_name TEXT PRIMARY KEY, create_time TEXT, create_account TEXT, login_password TEXT);
      CREATE TABLE IF NOT EXISTS access_keys(
        user_name TEXT REFERENCES users(user_name) ON DELETE CASCADE,
        access_key TEXT PRIMARY KEY, secret_access_key TEXT);
      CREATE TABLE IF NOT EXISTS ssh_keys(
        user_name TEXT REFERENCES users(user_name) ON DELETE CASCADE,
        key_name TEXT PRIMARY KEY, private_key TEXT, fingerprint TEXT);
      CREATE INDEX IF NOT EXISTS access_keys_of_user ON access_keys(user_name);
      CREATE INDEX IF NOT EXISTS ssh_keys_of_user ON ssh_keys(user_name);`,
  },
  {
    name: "2026: public keys, intents, what was written into homes",
    up: `
      ALTER TABLE ssh_keys ADD COLUMN public_key TEXT;
      CREATE TABLE identity_intents(
        user_name TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL, started_at_utc_ms INTEGER NOT NULL,
        PRIMARY KEY(user_name, kind)) STRICT;
      CREATE TABLE home_files(
        user_name TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL,
        PRIMARY KEY(user_name, path)) STRICT;`,
  },
]
