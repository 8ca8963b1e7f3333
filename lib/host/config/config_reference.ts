/**
 * What each key of config.toml means: the source of `man 5 ec2-wrappers.toml` and of docs/configuration.md. A test holds it
 * against the schema, so that a key without an explanation does not exist.
 */

import { launchReference } from "./launch_reference.ts"
import { limitsReference } from "./limits_reference.ts"
import { recordReference } from "./record_reference.ts"
import { key, type TableReference } from "./reference_form.ts"

export const configReference: readonly TableReference[] = [
  {
    table: "course",
    about: "Who the course is and who may use it.",
    keys: [
      key(
        "name",
        "required",
        "The course's name: the IAM path, the value of the course tag, and the word that `kill_all_accounts` asks for.",
      ),
      key("accounts", "[]", "Globs (`*` and `?`) of the logins that may use the student tools."),
      key(
        "staff",
        "[]",
        "Globs of the logins that may report on anyone. The account itself must match one of them to freeze and suspend.",
      ),
      key("iam_group", '"students"', "The IAM group that holds the student policy."),
      key("bucket", "the course's name", "The S3 bucket, in which each login has a prefix."),
      key(
        "term_start",
        "none",
        "Budgets and reports count from this day. Logins are used again from term to term. Until the day has come, " +
          "everything ever spent counts.",
      ),
    ],
  },
  {
    table: "identity",
    about: "What students sign their own requests to AWS with. See [Sessions](sessions.md).",
    keys: [
      key(
        "credentials",
        '"keys"',
        '`"keys"` gives each login an IAM user with an access key, as in 2010. `"sessions"` gives each login sessions of ' +
          "one role, which end by themselves: no IAM user, no key, no console password. Run `setup` after a change.",
      ),
      key(
        "session_hours",
        "1",
        "How long a session lasts, 1 to 12. AWS allows only 1 where the account's own credentials are a role's.",
      ),
      key(
        "federation_endpoint",
        "an address of AWS",
        "Where `ec2-util --console` gets a sign-in link. To be set where `endpoint` names an emulator.",
      ),
      key(
        "users",
        "none",
        "The table of overrides: `[identity.users.LOGIN]` with `credentials` for one login.",
      ),
    ],
  },
  {
    table: "reports",
    about: "Pages for a web server. See [For staff](staff.md).",
    keys: [
      key(
        "html_dir",
        "none",
        "A directory in which `usage_cron` keeps a page for each student, `LOGIN.html`, and the course's, `ALL.html`. It " +
          "belongs to the account and has mode 0711. Its file system must have access control lists.",
      ),
      key("web_server", '"www-data"', "The login that the web server runs as. It may read the pages."),
    ],
  },
  {
    table: "paths",
    about: "Where the files are.",
    keys: [
      key(
        "data_dir",
        '"/var/lib/ec2-wrappers"',
        "A directory on a local file system that belongs to the account, mode 2700.",
      ),
      key("audit_log", "`audit-log` in `data_dir`", "The audit log."),
      key("user_db", "`users.db` in `data_dir`", "The database of accounts and keys."),
      key("usage_db", "`usage.db` in `data_dir`", "The ledger."),
      key("root_access_key", "`root-access-key` in `data_dir`", "The file with the account's access key."),
    ],
  },
  ...recordReference,
  {
    table: "aws",
    about: "How AWS is reached.",
    keys: [
      key("region", '"us-east-1"', "The region in which instances are launched."),
      key("regions", "[]", "Further regions that `usage_cron` lists."),
      key(
        "endpoint",
        "an address of AWS",
        "The address of an emulator. Only with this key is a connection made without TLS.",
      ),
      key(
        "credentials",
        '"file"',
        '`"file"` reads `root_access_key`; `"default"` uses the SDK\'s provider chain, for example an instance role.',
      ),
      key("proxy", "none", "The HTTP proxy through which the host reaches AWS."),
      key("ca_file", "none", "Certificates of authorities to trust, for that proxy."),
    ],
  },
  ...limitsReference,
  {
    table: "billing",
    about: "How time is charged.",
    keys: [
      key("granularity", '"second"', '`"hour"` charges every started hour, as in 2010.'),
      key("minimum_seconds", "60", "The least time that a start is charged for."),
      key(
        "pending_seconds",
        "0",
        "How much of each start the lower bound leaves out: AWS charges from `running`, some seconds after LaunchTime.",
      ),
    ],
  },
  {
    table: "prices",
    about:
      "These prices win over those that `usage_cron --refresh-prices` read, and those win over the embedded list.",
    keys: [
      key(
        "spot_factor",
        "0.7",
        "The Spot price as a part of the on-demand price, where no Spot price history is known.",
      ),
      key("on_demand", "none", 'A table of prices in US$ per hour: `"m1.small" = 0.085`.'),
    ],
  },
  launchReference,
  {
    table: "assignments.NAME",
    about: "Date ranges with a name, for reports.",
    keys: [
      key("start", "required", "The first day, or a time."),
      key("end", "required", "The last day, which is included, or a time."),
    ],
  },
]
