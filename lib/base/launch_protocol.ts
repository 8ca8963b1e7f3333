/**
 * Protocol 2 of `ec2-run --stdin-json`: the one JSON object on its stdin, and the one on its stdout. Snake case, because the
 * old keys are. Both ends share these types: `hadoop_ec2` as the student, `ec2_runner` with the account's rights, which
 * trusts nothing of it. A request without `protocol` is an old one and gets the old array of ids.
 */

/** Whose cluster these things are part of: ec2-run makes them tags in our namespace, which a request may not name itself. */
export interface ClusterMembership {
  /** `[A-Za-z0-9][A-Za-z0-9_.-]*`, at most 60. */
  name: string
  /** Of `nn snn dn rm jhs nm sm sw shs zk`; one tag, joined by commas. */
  roles: string[]
}

interface Request {
  protocol: 2
  /**
   * Makes asking twice harmless: the same token of the same login gets the first reply again; with other contents it is
   * refused with the code `IdempotentParameterMismatch`. At most 64 printable ASCII characters.
   */
  client_token: string
  cluster?: ClusterMembership
  /** Further tags; none that begins with `ec2-wrappers:` or `aws:`. */
  tags?: Record<string, string>
  /** Prices and admits, and launches nothing: `ids` is empty. */
  dry_run?: boolean
}

/** Instances; `action` is absent, as it is in old requests. Absent or null keys get the config's defaults. */
export interface InstancesRequest extends Request {
  action?: undefined
  image_id?: string | null
  count: number
  key_name: string
  instance_type?: string | null
  availability_zone?: string | null
  placement_group?: string | null
  subnet_id?: string | null
  security_groups?: string[]
  security_group_ids?: string[]
  /** Base64, at most 16 KiB before encoding. */
  user_data?: string
  /** From now; absent: the config's default. Bounded by the config's `max_hours`. */
  lease_minutes?: number
  root_volume?: { gib: number; type?: "gp3" }
  iam_instance_profile?: string
  /** The old key; true wherever `spot` is there. */
  use_spot?: boolean
  /** US$ per hour and instance; absent `max_price`: the on-demand price. */
  spot?: { max_price?: number }
}

/** Volumes of cluster storage: encrypted gp3, priced, admitted and tagged like instances; they outlive them. */
export interface VolumesRequest extends Request {
  action: "create_volumes"
  volumes: { gib: number; zone: string; snapshot_id?: string | null }[]
}

/** A snapshot of a volume that carries the caller's owner tag. */
export interface SnapshotRequest extends Request {
  action: "create_snapshot"
  volume_id: string
  description?: string
}

export type LaunchProtocolRequest = InstancesRequest | VolumesRequest | SnapshotRequest

/** What was made. `ids` are instance, volume or snapshot ids, in the order asked. */
export interface LaunchedReply {
  ids: string[]
  /** For instances only; addresses as AWS gave them at launch. */
  instances?: { id: string; private_ip: string; private_dns: string; zone: string }[]
  /** US$ per hour of all that was asked, at most. */
  hourly_cost: number
  /** ISO 8601 UTC; null for volumes and snapshots. */
  lease_end: string | null
  /** Of a dry run: the most that it may cost until its lease and enforcement end it, and what would be left; US$. */
  worst_case?: number
  left?: { hourly_cost: number; instances: number; budget: number | null; course_budget: number | null }
  /** What the caller should know, such as that the instances have no shutdown timer; absent where there is nothing. */
  notes?: string[]
}

/** A failure: the exit code is not 0 and nothing of the request runs. */
export interface FailedReply {
  error: {
    /** AWS's code (`InsufficientInstanceCapacity` …), or `Refused`, `UsageError`, `Failed`. */
    code: string
    message: string
  }
}

export type LaunchProtocolReply = LaunchedReply | FailedReply

export function isFailedReply(reply: LaunchProtocolReply): reply is FailedReply {
  return "error" in reply
}
