/** Each student's own security group: one for a login and VPC. What stands here is how it is found, never its name. */
import type { UtcMs } from "../../base/time.ts"
import type { Db } from "../db.ts"

export interface GroupPlace {
  login: string
  region: string
  vpcId: string
}

export interface SshGroup extends GroupPlace {
  /** Ours: on the group's tag, and in its name. Written before AWS is asked to make the group. */
  token: string
  /** AWS's; null until it is known. */
  groupId: string | null
  /** The networks that its rules let in, joined by blanks; null where its rules are to be looked at. */
  openTo: string | null
}

const columns = `login, region, vpc_id AS "vpcId", token, group_id AS "groupId", open_to AS "openTo"`

export function sshGroups(db: Db) {
  const of = ({ login, region, vpcId }: GroupPlace): SshGroup | null =>
    db
      .query<SshGroup, [string, string, string]>(
        `SELECT ${columns} FROM ssh_groups WHERE login = ? AND region = ? AND vpc_id = ?`,
      )
      .get(login, region, vpcId) ?? null
  return {
    of,
    ofUser: (login: string): SshGroup[] =>
      db
        .query<SshGroup, [string]>(
          `SELECT ${columns} FROM ssh_groups WHERE login = ? ORDER BY region, vpc_id`,
        )
        .all(login),
    /** The one that there is, else one with this token. Inside the caller's transaction. */
    begin(place: GroupPlace, token: string, nowUtcMs: UtcMs): SshGroup {
      const known = of(place)
      if (known) return known
      db.query(
        `INSERT INTO ssh_groups(login, region, vpc_id, token, begun_at_utc_ms) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (login, region, vpc_id) DO NOTHING`,
      ).run(place.login, place.region, place.vpcId, token, nowUtcMs)
      return of(place) ?? { ...place, token, groupId: null, openTo: null }
    },
    /** It is at AWS, and lets in these. Does nothing where another group has taken its place. */
    made(token: string, groupId: string, openTo: string): void {
      db.query("UPDATE ssh_groups SET group_id = ?, open_to = ? WHERE token = ?").run(groupId, openTo, token)
    },
    /** It is gone, or somebody else's: the next one has a token of its own. */
    forget(token: string): void {
      db.query("DELETE FROM ssh_groups WHERE token = ?").run(token)
    },
    /** Whether it is still there is asked of AWS before it is used again. */
    doubt(login: string): void {
      db.query("UPDATE ssh_groups SET open_to = NULL WHERE login = ?").run(login)
    },
  }
}
