/**
 * Pages for a web server's directory. Each file is 0640 with an access control list that names who may read it besides the account, and
 * appears by a rename when its list is in place: a page is at no moment open to anybody else.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { Failed } from "../../base/errors.ts"
import { runWithInput } from "../processes/run_with_input.ts"
import { whyUntrusted } from "./trusted_path.ts"

export interface SharedPage {
  /** The file's name, such as `cs61c-aa.html`. */
  name: string
  text: string
  /** The uids that may read it. */
  readers: readonly number[]
}

/** Where Debian and Red Hat have it. */
const setfacl = "/usr/bin/setfacl"
const patienceMs = 60_000
const othersReadOrWrite = 0o006

/** Throws Failed unless the directory is the account's own, at no link, writable to nobody else, and others cannot list it. */
export function requirePageDirectory(path: string, uid: number): void {
  const what = `html_dir ${path}`
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats) throw new Failed(what, "does not exist; make it with mode 0711, owned by the account")
  if (stats.isSymbolicLink() || realpathSync(path) !== path)
    throw new Failed(what, "is reached by a symbolic link; name the directory itself")
  if (!stats.isDirectory()) throw new Failed(what, "is no directory")
  if (stats.uid !== uid)
    throw new Failed(what, `is owned by uid ${stats.uid}, not by this account (uid ${uid})`)
  const untrusted = whyUntrusted(path, uid)
  if (untrusted) throw new Failed(what, `cannot be trusted: ${untrusted}`)
  if ((stats.mode & othersReadOrWrite) !== 0)
    throw new Failed(what, "can be listed by others; chmod 0711 closes it")
}

/** Returns the names that were refused because no list could be set: of these, what stood there before is removed, too. */
export async function writeSharedPages(
  directory: string,
  pages: readonly SharedPage[],
  program = setfacl,
): Promise<string[]> {
  if (pages.length === 0) return []
  if (!existsSync(program)) throw new Failed("html_dir", `${program} is missing; install the package acl`)
  const temporaryOf = ({ name }: SharedPage) => join(directory, `.${name}.new`)
  try {
    for (const page of pages) writePrivately(temporaryOf(page), page.text)
    const lists = pages.map((page) => accessList(temporaryOf(page), page.readers))
    await runWithInput([program, "--restore=-"], lists.join("\n"), patienceMs)
    const refused: string[] = []
    for (const page of pages) {
      // With the list in place the group's bits are its mask; without it the file is still the account's alone.
      const isShared = (lstatSync(temporaryOf(page)).mode & 0o777) === 0o640
      if (isShared) renameSync(temporaryOf(page), join(directory, page.name))
      else {
        rmSync(join(directory, page.name), { force: true })
        refused.push(page.name)
      }
    }
    return refused
  } finally {
    for (const page of pages) rmSync(temporaryOf(page), { force: true })
  }
}

function writePrivately(path: string, text: string): void {
  // What a run left that was killed.
  rmSync(path, { force: true })
  const fd = openSync(path, "wx", 0o600)
  try {
    writeFileSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** As getfacl(1) prints it. */
function accessList(path: string, readers: readonly number[]): string {
  const escaped = path.replace(
    /[^\w./+@,:-]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  )
  const users = [...new Set(readers)].map((uid) => `user:${uid}:r--\n`).join("")
  return `# file: ${escaped}\nuser::rw-\n${users}group::---\nmask::r--\nother::---\n`
}
