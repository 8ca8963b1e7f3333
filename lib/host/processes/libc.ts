/** The few calls of libc that neither Node's API nor Bun's has. glibc, 64 bits: where the tools run. */

import { CString, dlopen, type Pointer, read } from "bun:ffi"
import { closeSync } from "node:fs"
import { Failed } from "../../base/errors.ts"
import type { UtcMs } from "../../base/time.ts"

let loaded: ReturnType<typeof load> | undefined

function load() {
  return dlopen("libc.so.6", {
    __errno_location: { args: [], returns: "ptr" },
    flock: { args: ["i32", "i32"], returns: "i32" },
    getpwnam: { args: ["cstring"], returns: "ptr" },
    getpwuid: { args: ["u32"], returns: "ptr" },
    localtime: { args: ["ptr"], returns: "ptr" },
    setrlimit: { args: ["i32", "ptr"], returns: "i32" },
    sched_setaffinity: { args: ["i32", "u64", "ptr"], returns: "i32" },
    syscall: { args: ["i64", "i64", "i64", "i64", "i64"], returns: "i64" },
    syslog: { args: ["i32", "cstring", "cstring"], returns: "void" },
    tcgetattr: { args: ["i32", "ptr"], returns: "i32" },
    tcsetattr: { args: ["i32", "i32", "ptr"], returns: "i32" },
  }).symbols
}

function libc() {
  loaded ??= load()
  return loaded
}

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4

/** What flock says of a file that cannot be locked, as on NFS without its lock daemon; anything else passes. */
const cannotLock = new Map([
  [37, "ENOLCK"],
  [38, "ENOSYS"],
  [95, "EOPNOTSUPP"],
])

/**
 * flock(2): takes an exclusive lock at once, or returns false where another process holds it; throws Failed where the file
 * system has no locks. It lasts until the descriptor is closed.
 */
export function tryLock(fd: number, path: string): boolean {
  return tryFlock(fd, path, LOCK_EX)
}

/** Like `tryLock`, with a lock that others may share. */
export function trySharedLock(fd: number, path: string): boolean {
  return tryFlock(fd, path, LOCK_SH)
}

function tryFlock(fd: number, path: string, kind: number): boolean {
  if (libc().flock(fd, kind | LOCK_NB) === 0) return true
  const reason = cannotLock.get(errno())
  if (reason) throw new Failed(`lock ${path}`, `its file system cannot lock files (${reason})`)
  return false
}

/** Numbers that all architectures share since Linux 5.1; glibc has functions of these names only since 2.36. */
const SYS_pidfd_send_signal = 424
const SYS_pidfd_open = 434
const SIGKILL = 9

/** pidfd_open(2): a descriptor that means this process even when its pid is used again; null where there is none. */
export function openPidfd(pid: number): number | null {
  const fd = Number(libc().syscall(SYS_pidfd_open, pid, 0, 0, 0))
  return fd < 0 ? null : fd
}

/** Sends SIGKILL; returns false where the process has ended or belongs to somebody else. */
export function killPidfd(fd: number): boolean {
  return Number(libc().syscall(SYS_pidfd_send_signal, fd, SIGKILL, 0, 0)) === 0
}

export function closePidfd(fd: number): void {
  closeSync(fd)
}

/** sched_setaffinity(2): lets a process of this account run on every processor that its cpuset has. */
export function useAllProcessors(pid: number): void {
  const all = new Uint8Array(1024).fill(0xff)
  libc().sched_setaffinity(pid, all.length, all)
}

function errno(): number {
  return read.i32(libc().__errno_location() as Pointer, 0)
}

/** LOG_AUTHPRIV | LOG_WARNING of syslog(3). */
const authprivWarning = (10 << 3) | 4

export function writeToSyslog(line: string): void {
  const [format, text] = ["%s\0", `${line.replaceAll("\0", "")}\0`].map((part) => Buffer.from(part))
  if (format && text) libc().syslog(authprivWarning, format, text)
}

/** setrlimit(2): soft and hard, so that it cannot be raised again. A hard limit that is lower already stays. */
export function setHardLimit(resource: number, value: number): void {
  libc().setrlimit(resource, new BigUint64Array([BigInt(value), BigInt(value)]))
}

const TCSANOW = 0
const ECHO = 0o10
/** struct termios of Linux: four 32-bit flag words (input, output, control, local), then what we do not touch. */
const termiosBytes = 60
const localFlagsAt = 12

/** Whether a terminal shows what is typed; returns false, and does nothing, where the descriptor is no terminal. */
export function setEcho(fd: number, shown: boolean): boolean {
  const termios = new Uint8Array(termiosBytes)
  if (libc().tcgetattr(fd, termios) !== 0) return false
  const words = new DataView(termios.buffer)
  const flags = words.getUint32(localFlagsAt, true)
  words.setUint32(localFlagsAt, shown ? flags | ECHO : flags & ~ECHO, true)
  return libc().tcsetattr(fd, TCSANOW, termios) === 0
}

/** Where `tm_gmtoff` (a long: seconds east of UTC) is in struct tm: after nine ints and padding. */
const gmtoffAt = 40

/** localtime(3): how far local time is ahead of UTC, in milliseconds. JavaScript's own answer costs 5 ms of loading ICU. */
export function localOffsetMs(utcMs: UtcMs): number {
  const tm = libc().localtime(new BigInt64Array([BigInt(Math.floor(utcMs / 1000))]))
  return tm ? Number(read.i64(tm as Pointer, gmtoffAt)) * 1000 : 0
}

export interface PasswdEntry {
  login: string
  home: string
}

/**
 * getpwuid(3): the passwd entry of a uid, from whatever nsswitch.conf names; null where there is none. Not os.userInfo(),
 * which in Bun believes $USER.
 */
export function passwdEntry(uid: number): PasswdEntry | null {
  const entry = libc().getpwuid(uid)
  if (!entry) return null
  // struct passwd: name, passwd, uid + gid, gecos, dir, shell
  return { login: stringAt(entry as Pointer, 0), home: stringAt(entry as Pointer, 32) }
}

/** The uid of an account that passwd, or a directory service behind it, knows by this name; null where there is none. */
export function uidOfLogin(login: string): number | null {
  const entry = libc().getpwnam(Buffer.from(`${login}\0`))
  // struct passwd: name, passwd, uid + gid, gecos, dir, shell
  return entry ? read.u32(entry as Pointer, 16) : null
}

function stringAt(struct: Pointer, offset: number): string {
  const address = read.ptr(struct, offset)
  return address ? new CString(address as Pointer).toString() : ""
}
