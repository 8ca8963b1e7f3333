/** Who called: behind the wrapper the login it proved, else the real uid's passwd entry. */
import type { Config } from "../../base/config.ts"
import { Failed, Refused } from "../../base/errors.ts"
import { loginPattern, loginRule, matchesGlob } from "../../base/login.ts"
import { quoted } from "../../base/text.ts"
import { type PasswdEntry, passwdEntry } from "../processes/libc.ts"
import { writerSocket } from "./caller_wrapper.ts"

export interface Caller {
  login: string
  /** Who started sudo, as sudo says, for what nobody may do for himself; absent behind the wrapper and without sudo. */
  sudoLogin?: string
  /** Behind the wrapper the one that it proved, else this process's own. */
  uid: number
  /** Member of the config's `accounts`: may use the student tools. */
  isStudent: boolean
  /** Member of the config's `staff`: may report on anyone, freeze, suspend. */
  isStaff: boolean
  /** Where the caller's files are, by name only: behind the wrapper nothing here opens them. */
  home: string
  behindWrapper: boolean
  /** Behind the wrapper, the socket to the writer in the caller's home. */
  writerFd: number | null
}

/**
 * The caller. REAL_USERNAME is safe to trust: behind the wrapper the environment is what the wrapper built, and a tool run
 * directly has only its caller's own rights.
 */
export function findCaller(course: Config["course"]): Caller {
  const writerFd = writerSocket()
  const behindWrapper = writerFd !== null
  const login = process.env.REAL_USERNAME || ownEntry().login
  if (!loginPattern.test(login))
    throw new Failed("caller", `login ${quoted(login)} cannot be a name at AWS, which takes ${loginRule}`)
  const sudoLogin = behindWrapper ? undefined : process.env.SUDO_USER
  return {
    login,
    ...(sudoLogin && loginPattern.test(sudoLogin) && { sudoLogin }),
    uid: behindWrapper ? Number(process.env.REAL_UID) : (process.getuid?.() ?? -1),
    isStudent: matchesGlob(course.accounts, login),
    isStaff: matchesGlob(course.staff, login),
    home: (behindWrapper ? process.env.REAL_HOME : process.env.HOME) || ownEntry().home,
    behindWrapper,
    writerFd,
  }
}

/** Throws Refused unless the caller may use the student tools. Staff may: they try things out. */
export function requireAccount(caller: Caller, course: Config["course"]): void {
  if (caller.isStudent || caller.isStaff) return
  throw new Refused("caller", `${caller.login} is not an account of ${course.name}, see your course's staff`)
}

export function requireStaff(caller: Caller, course: Config["course"]): void {
  if (caller.isStaff) return
  throw new Refused("caller", `${caller.login} is not on the staff of ${course.name}`)
}

function ownEntry(): PasswdEntry {
  const uid = process.getuid?.() ?? -1
  const entry = passwdEntry(uid)
  if (!entry) throw new Failed("caller", `uid ${uid} has no passwd entry`)
  return entry
}
