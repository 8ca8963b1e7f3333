/** Files under the student's configuration directory: read whole, written whole. */
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"
import { tryExclusiveLock } from "../../host/processes/lock_file.ts"
import { type ClusterDeps, type ClusterSession, clusterFiles } from "./deps.ts"

export type ClusterFile = keyof typeof clusterFiles

/** Where a cluster's own files are; its name has been checked to be a plain file name. */
export function clusterFile({ deps, name: cluster }: ClusterSession, file: ClusterFile): string {
  return join(deps.configDir, cluster, clusterFiles[file])
}

/** A path as people write it, absolute: `~/…` and `$HOME/…` are in their home, others relative to the current directory. */
export function givenPath({ home }: ClusterDeps, path: string): string {
  return resolve(path.replace(/^(~|\$HOME|\$\{HOME\})(?=\/|$)/, () => home))
}

/** Scripts and settings are pages; what does not end, such as a device, is a mistake. */
const mostBytes = 1024 * 1024

/** Null where there is none. */
export function readText(path: string): string | null {
  try {
    const fd = openSync(path, "r")
    try {
      const bytes = Buffer.alloc(mostBytes + 1)
      let size = 0
      for (let got = -1; got !== 0 && size <= mostBytes; size += got)
        got = readSync(fd, bytes, size, bytes.length - size, null)
      if (size > mostBytes) throw new Failed(`read ${path}`, "is longer than 1 MiB")
      return bytes.toString("utf8", 0, size)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (error instanceof Failed) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ENOTDIR") return null
    throw new Failed(`read ${path}`, messageOf(error), { cause: error })
  }
}

/** Replaces the file, making its directories; mode 0600. */
export function writeText(path: string, text: string): void {
  try {
    makeDirectoryOf(path)
    const fresh = `${path}.${process.pid}.new`
    const fd = openSync(fresh, "wx", 0o600)
    try {
      const bytes = new TextEncoder().encode(text)
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, path)
  } catch (error) {
    throw new Failed(`write ${path}`, messageOf(error), { cause: error })
  }
}

function makeDirectoryOf(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new Failed(`make ${dirname(path)}`, messageOf(error), { cause: error })
  }
}

/**
 * Does the work while no other command launches or makes storage for the cluster: two at once would share a journal or a list of
 * volumes, and the one that fails end what the other made.
 */
export async function aloneWith<T>(
  session: ClusterSession,
  action: string,
  work: () => Promise<T>,
): Promise<T> {
  const { name: cluster } = session
  const path = clusterFile(session, "lock")
  makeDirectoryOf(path)
  const release = tryExclusiveLock(path)
  if (!release) {
    throw new Failed(action, `another command launches or stores for ${cluster}: wait for it, or end it`)
  }
  return await work().finally(release)
}

/** Removing what is not there succeeds. */
export function removeFile(path: string): void {
  rmSync(path, { force: true, recursive: true })
}
