/** usage.db, opened: its stores share one connection, so that an admission sees the ledger it decides by. */

import { auditRows } from "./audit/audit_rows.ts"
import { freezes } from "./enforcement/freezes.ts"
import { leases } from "./enforcement/leases.ts"
import { notices } from "./enforcement/notices.ts"
import { suspensions } from "./identities/suspensions.ts"
import { agreedConfig } from "./installation/agreed_config.ts"
import { hosts } from "./installation/hosts.ts"
import { installationId } from "./installation/installation_id.ts"
import { setbacks } from "./installation/setbacks.ts"
import { launchAttempts } from "./launches/attempts.ts"
import { clientTokens } from "./launches/client_tokens.ts"
import { lookups } from "./launches/lookups.ts"
import { presence } from "./launches/presence.ts"
import { reservations } from "./launches/reservations.ts"
import { sshGroups } from "./launches/ssh_groups.ts"
import { oldRows } from "./legacy/old_rows.ts"
import { spotRequests } from "./legacy/spot_requests.ts"
import { messages } from "./messages/messages.ts"
import { type OpenOptions, openDb } from "./open.ts"
import { serverFacts } from "./postgres/server_facts.ts"
import { prices } from "./pricing/prices.ts"
import { grants } from "./requests/grants.ts"
import { limitRequests } from "./requests/limit_requests.ts"
import { loginHolders, rosters } from "./roster/roster.ts"
import { rosterDrops, rosterTasks } from "./roster/roster_changes.ts"
import { sweepPlans } from "./sweep/sweep_plans.ts"
import { evidenceTable } from "./usage/evidence.ts"
import { ledger } from "./usage/ledger.ts"
import { snapshots } from "./usage/snapshots.ts"
import { usageSteps } from "./usage_schema.ts"

export type UsageDb = ReturnType<typeof openUsageDb>

export function openUsageDb(options: OpenOptions) {
  const db = openDb(options, "ec2_usage", usageSteps)
  const book = ledger(db)
  return {
    path: options.path,
    locks: db.locks,
    engine: db.engine,
    ledger: book,
    prices: prices(db),
    reservations: reservations(db),
    attempts: launchAttempts(db),
    presence: presence(db),
    auditRows: auditRows(db),
    hosts: hosts(db),
    /** Null on SQLite. */
    serverFacts: () => (db.engine === "postgres" ? serverFacts(db) : null),
    installation: installationId(db),
    setbacks: setbacks(db),
    agreedConfig: agreedConfig(db),
    leases: leases(db),
    clientTokens: clientTokens(db),
    freezes: freezes(db),
    suspensions: suspensions(db),
    notices: notices(db),
    roster: rosters(db),
    loginHolders: loginHolders(db),
    rosterDrops: rosterDrops(db),
    rosterTasks: rosterTasks(db),
    limitRequests: limitRequests(db),
    grants: grants(db),
    messages: messages(db),
    sweepPlans: sweepPlans(db),
    lookups: lookups(db),
    sshGroups: sshGroups(db),
    snapshots: snapshots(db),
    oldRows: oldRows(db),
    evidence: evidenceTable(db),
    spotRequests: spotRequests(db),
    transaction<T>(work: () => T, expected?: () => void): T {
      try {
        return db.transaction(work, expected)
      } catch (error) {
        book.rolledBack()
        throw error
      }
    },
    close: () => db.close(),
  }
}
