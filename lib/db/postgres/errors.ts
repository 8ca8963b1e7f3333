/** PostgreSQL's errors, by SQLSTATE, as one line that says what to do. https://www.postgresql.org/docs/current/errcodes-appendix.html */
import { Failed, messageOf } from "../../base/errors.ts"

/** The SQLSTATE of an error of the addon, "" for any other error. */
export function sqlStateOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : ""
}

/** Whether the connection is gone, and with it its transaction and its locks. */
export function isDisconnected(error: unknown): boolean {
  return /^(08|57P0[123]|25P03)/.test(sqlStateOf(error))
}

/** The error for people; errors that are not PostgreSQL's are returned as they are. */
export function explained(name: string, error: unknown): unknown {
  const state = sqlStateOf(error)
  if (state === "" || error instanceof Failed) return error
  return new Failed(`database ${name}`, explanation(state, firstLine(messageOf(error))), { cause: error })
}

function explanation(state: string, message: string): string {
  switch (state) {
    case "55P03":
      return "is locked by another process for more than 15 s"
    case "57014":
      return "did not answer in time; nothing was recorded, try again"
    case "53100":
      return "the server's disk is full; nothing was recorded, its administrator has to free space"
    case "53300":
      return "has no connection left for this role; wait for running tools, or raise the role's CONNECTION LIMIT"
    case "25006":
      return "is read-only: a standby, or its administrator made it so; add target_session_attrs=read-write to url"
    case "25P03":
      return "ended this run, which had been stopped inside a transaction; nothing was recorded, try again"
    case "28000":
    case "28P01":
      return `does not let this account in: ${message}`
    case "3D000":
      return `${message}; its administrator creates it (docs/postgresql.md)`
  }
  if (/^(08|57P0)/.test(state)) return `cannot be reached: ${message}`
  return `${message} (SQLSTATE ${state})`
}

function firstLine(text: string): string {
  return text.trim().split("\n").join("; ")
}
