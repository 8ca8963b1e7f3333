/** What the keys of [database] and [audit] mean. */
import { key, type TableReference } from "./reference_form.ts"

export const recordReference: readonly TableReference[] = [
  {
    table: "database",
    about:
      "Where the ledger is. Without this table it is in SQLite's files, which one host uses. With it several hosts share a " +
      "PostgreSQL database (docs/postgresql.md).",
    keys: [
      key(
        "url",
        "required",
        "libpq's `keyword=value` pairs: `host`, `dbname` and `user`, and as needed `port`, `hostaddr`, " +
          "`target_session_attrs=read-write` and others. `host` is a socket's directory or names one or more servers, " +
          "which need `sslmode=verify-full`. A password is refused. No PG* variable, service file or `~/.pgpass` counts.",
      ),
      key("passfile", "none", "A libpq password file that only the account can read."),
      key("sslcert", "none", "The account's client certificate."),
      key("sslkey", "none", "Its key, which only the account can read."),
      key(
        "sslrootcert",
        "none",
        "Certificates of authorities that may certify the server. Required beyond a socket.",
      ),
    ],
  },
  {
    table: "audit",
    about:
      "Where the head of the audit log's chain is stored, so that whoever has the account cannot cut off its end unnoticed. See " +
      "[Staff](staff.md).",
    keys: [
      key(
        "bucket",
        "none",
        "An S3 bucket with Object Lock, or of another account. `usage_cron` stores the head there each time that it has changed. Without " +
          "it `doctor` warns.",
      ),
      key("bucket_region", "`region` of `[aws]`", "The bucket's region."),
      key(
        "bucket_owner",
        "none",
        "The id of another account, to which the bucket belongs and which lets this one only write and list. Without it each head is " +
          "locked in compliance mode, which the bucket must allow.",
      ),
      key("retain_days", "400", "How long a head stays locked in compliance mode."),
    ],
  },
]
