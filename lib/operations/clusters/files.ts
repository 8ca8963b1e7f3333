/** Files under the student's configuration directory: read whole, written whole. */
import { join, resolve } from "node:path"
import { Failed } from "../../base/errors.ts"
import { makeDirectoryOf } from "../../host/files/text_files.ts"
import { tryExclusiveLock } from "../../host/processes/lock_file.ts"
import { type ClusterDeps, type ClusterSession, clusterFiles } from "./deps.ts"

export { readText, removeFile, writeText } from "../../host/files/text_files.ts"

export type ClusterFile = keyof typeof clusterFiles

/** Where a cluster's own files are; its name has been checked to be a plain file name. */
export function clusterFile({ deps, name: cluster }: ClusterSession, file: ClusterFile): string {
  return join(deps.configDir, cluster, clusterFiles[file])
}

/** A path as people write it, absolute: `~/…` and `$HOME/…` are in their home, others relative to the current directory. */
export function givenPath({ home }: ClusterDeps, path: string): string {
  return resolve(path.replace(/^(~|\$HOME|\$\{HOME\})(?=\/|$)/, () => home))
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
