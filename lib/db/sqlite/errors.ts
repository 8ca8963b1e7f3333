/** SQLite's own errors as one line that says what to do. */
import { SQLiteError } from "bun:sqlite"
import { dirname } from "node:path"
import { diskFull, Failed, messageOf } from "../../base/errors.ts"
import { freeSpace } from "../../host/files/mounts.ts"

export const busyTimeoutMs = 15_000

/** Runs `work`; throws Failed in place of SQLite's own errors. */
export function explainErrors<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error
    throw new Failed(`database ${path}`, explanation(path, error), { cause: error })
  }
}

const kindOf = ({ code }: SQLiteError) => code?.split("_").slice(0, 2).join("_")

/** Whether another process holds the lock. SQLITE_PROTOCOL is what a reader gets at last while another one recovers the log. */
export function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && ["SQLITE_BUSY", "SQLITE_PROTOCOL"].includes(kindOf(error) ?? "")
}

/** What opening a database may need: the index of its log, and a page. */
const leastBytes = 64 * 1024

/** A full disk is many errors to SQLite: the index of the log cannot grow, or a file cannot be made. */
function hasNoRoom(path: string): boolean {
  try {
    return freeSpace(dirname(path)).bytes < leastBytes
  } catch {
    return false
  }
}

function explanation(path: string, error: SQLiteError): string {
  const isOfDisk = /^SQLITE_(FULL|IOERR|CANTOPEN|READONLY_CANTINIT)/.test(error.code ?? "")
  if (kindOf(error) === "SQLITE_FULL" || (isOfDisk && hasNoRoom(path)))
    return `${diskFull}; nothing was recorded, free some space and run it again`
  switch (kindOf(error)) {
    case "SQLITE_NOTADB":
    case "SQLITE_CORRUPT":
      return "is damaged or no database; restore it from the nightly backup (docs/backup.md)"
    case "SQLITE_BUSY":
    case "SQLITE_PROTOCOL":
      return `is locked by another process for more than ${busyTimeoutMs / 1000} s`
    case "SQLITE_READONLY":
    case "SQLITE_PERM":
    case "SQLITE_CANTOPEN":
      return `cannot be opened for writing (${messageOf(error)})`
    case "SQLITE_IOERR":
      return `cannot be read or written (${messageOf(error)})`
    default:
      return messageOf(error)
  }
}
