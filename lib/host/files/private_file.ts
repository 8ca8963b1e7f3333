/** The privileged account's files: nobody else may read or write them, nor may they be something else in disguise. */
import { fstatSync, lstatSync, type Stats } from "node:fs"
import { Failed } from "../../base/errors.ts"

const groupAndOtherBits = 0o077

/** Throws Failed unless the open file is a regular one of this account's, with no group or other bits. */
export function requirePrivateFile(fd: number, path: string): void {
  const stats = fstatSync(fd)
  if (!stats.isFile()) throw new Failed(`open ${path}`, "is not a regular file")
  requirePrivate(stats, path)
}

/** The same for a directory, by name. setgid is allowed: new files then get the directory's group, without its bits. */
export function requirePrivateDirectory(path: string): void {
  const stats = lstatSync(path)
  if (!stats.isDirectory()) throw new Failed(`open ${path}`, "is not a directory")
  requirePrivate(stats, path)
}

function requirePrivate(stats: Stats, path: string): void {
  if (stats.uid !== process.geteuid?.()) {
    throw new Failed(
      `open ${path}`,
      `is owned by uid ${stats.uid}, not by this account (uid ${process.geteuid?.()}); staff type sudo -u '#${stats.uid}' COMMAND, students ec2-util, ec2-run, ec2-active or ec2-usage`,
    )
  }
  if ((stats.mode & groupAndOtherBits) !== 0) {
    const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0")
    throw new Failed(
      `open ${path}`,
      `has mode ${mode}, wanted none for group and others (init_dbs tightens it)`,
    )
  }
}
