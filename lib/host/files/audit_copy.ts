/** This host's file of the audit log, held against the rows of the ledger. */
import { createReadStream, existsSync } from "node:fs"
import { createInterface } from "node:readline"

export interface AuditCopy {
  /** A row that this host wrote. */
  add(row: { login: string; message: string }): void
  /** Lines since the first one that has a row, for which there is no row; the first few. Older files, which logrotate made, are not read. */
  unexplained(path: string): Promise<{ count: number; first: string[] }>
}

const mostShown = 3

export function auditCopy(): AuditCopy {
  const counts = new Map<bigint | number, number>()
  return {
    add({ login, message }) {
      const key = Bun.hash(`${login}: ${message}`)
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
    async unexplained(path) {
      const found = { count: 0, first: [] as string[] }
      if (!existsSync(path)) return found
      let hasBegun = false
      for await (const line of createInterface({ input: createReadStream(path), crlfDelay: 0 })) {
        const key = Bun.hash(line.slice(line.indexOf(": ") + 2))
        const left = counts.get(key) ?? 0
        if (left > 0) {
          hasBegun = true
          counts.set(key, left - 1)
        } else if (hasBegun) {
          found.count += 1
          if (found.first.length < mostShown) found.first.push(line)
        }
      }
      return found
    },
  }
}
