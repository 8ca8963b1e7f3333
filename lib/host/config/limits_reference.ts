/** What the keys of config.toml about limits, the roster and leases mean: a part of config_reference.ts. */

import { key, type TableReference } from "./reference_form.ts"

export const limitsReference: readonly TableReference[] = [
  {
    table: "limits",
    about:
      "What a user may have at once and spend. `[limits.sections.NAME]`, for a section of the roster, and " +
      "`[limits.users.LOGIN]`, which wins, override each key but `course_budget` and `warn_percent`.",
    keys: [
      key(
        "max_hourly_cost",
        "5.10",
        "US$ per hour of everything that a user has running, launching, requested as Spot or stopped, at instance prices, and of volumes and snapshots beyond 30 GiB for each instance.",
      ),
      key("max_instances", "20", "The number of these instances."),
      key(
        "max_storage_gib",
        "1000",
        "GiB of volumes and snapshots together, those being made included, counted at the price of gp3.",
      ),
      key("instance_types", '["*"]', "Globs of the instance types that may be launched."),
      key(
        "images",
        "[]",
        "Image ids or SSM parameter names that may be launched and started. Empty allows any image.",
      ),
      key("budget", "none", "US$ for each user and term. Without it `doctor` reports an error."),
      key("course_budget", "none", "US$ of all users together."),
      key(
        "warn_percent",
        "[50, 80, 95]",
        "Percentages of a budget. Enforcement tells users of each that they have passed, once: by mail and by the next tool. Staff hear of those from 80 on, also of the course's budget, where `[notify]` is used.",
      ),
      key("users", "none", "The table of overrides, a table for each login."),
      key("sections", "none", "The table of overrides, a table for each section of the roster."),
    ],
  },
  {
    table: "notify",
    about: "What staff is told without having asked. See [For staff](staff.md).",
    keys: [
      key(
        "about",
        "all of them",
        'Topics: `"freezes"`, `"strangers"`, `"failures"` of cron, `"budgets"` by `limits.warn_percent`, `"requests"` and `"digest"`.',
      ),
      key(
        "webhooks_file",
        "`webhooks` in `data_dir`",
        "Where messages are posted: a line `NAME KIND URL` for each, mode 0400. The addresses are secrets.",
      ),
      key("mail", "[]", "Logins and addresses that get the messages by mail."),
      key("digest_hour", "6", "The hour of the day, in UTC, from which the digest is sent."),
    ],
  },
  {
    table: "roster",
    about: "Who may use the course, where a roster has been imported (`roster import`).",
    keys: [
      key(
        "drop_days",
        "14",
        "How many days after somebody was dropped cron names what that login still holds.",
      ),
    ],
  },
  {
    table: "leases",
    about: "When instances end.",
    keys: [
      key("default_hours", "4", "The lease of a launch that names none."),
      key("max_hours", "24", "The longest lease, extensions included."),
      key("warn_minutes", "[60, 15]", "How long before the end the owner is warned."),
      key(
        "action",
        '"terminate"',
        'What enforcement does at the end. `"stop"` keeps the instance for `stopped_hours`.',
      ),
      key("stopped_hours", "72", "How long a stopped instance is kept. Then it is terminated."),
      key(
        "enforcement_minutes",
        "10",
        "How long an instance may run past its end until enforcement comes: cron's interval and a margin. Every launch " +
          "reserves the cost of this time.",
      ),
      key("enforce", "false", "Plain `usage_cron` enforces, so that the old crontab line needs no change."),
      key(
        "scheduler_role",
        "none",
        "ARN of a role for EventBridge Scheduler. Every launch then gets a schedule that terminates it even when this " +
          "host is down.",
      ),
    ],
  },
]
