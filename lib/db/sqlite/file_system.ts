/** Where a database may lie: SQLite's locks and shared memory need a local file system. */
import { statfsSync } from "node:fs"
import { Failed } from "../../base/errors.ts"

/** Numbers of statfs(2), with the names an administrator knows. https://www.sqlite.org/wal.html: no WAL over a network. */
const networkFileSystems = new Map<number, string>([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x517b, "SMB"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x00c36400, "Ceph"],
  [0x65735546, "FUSE"],
  [0x0bd00bd0, "Lustre"],
  [0x01161970, "GFS2"],
  [0x47504653, "GPFS"],
  [0x01021997, "9P"],
  [0x19830326, "BeeGFS"],
  [0x73757245, "Coda"],
  [0x564c, "NCP"],
  [0x7461636f, "OCFS2"],
])

/** The name of the network file system that `path` lies on, or null where it is local. */
export function networkFileSystem(path: string): string | null {
  const { type } = statfsSync(path)
  return networkFileSystems.get(type >>> 0) ?? null
}

/** Throws Failed where `path` lies on a network file system. */
export function requireLocal(path: string): void {
  const name = networkFileSystem(path)
  if (!name) return
  throw new Failed(
    `open ${path}`,
    `is on a network file system (${name}), where SQLite's locks are not safe; use a local directory`,
  )
}
