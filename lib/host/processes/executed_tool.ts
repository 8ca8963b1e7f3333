/** Which tool the kernel started, where one executable holds them all under several names. */
import { readlinkSync } from "node:fs"
import { Failed, messageOf } from "../../base/errors.ts"

/**
 * The name under which this process's executable was found. A caller chooses argv[0], the name of a link that leads here and the number
 * of a descriptor; none of them counts. Throws Failed where the kernel does not tell.
 */
export function executedName(): string {
  try {
    return nameOfExecutable(readlinkSync("/proc/self/exe"))
  } catch (error) {
    throw new Failed("/proc/self/exe", `tells no name (${messageOf(error)}); /proc has to be mounted`)
  }
}

/**
 * The file's name in what /proc/self/exe leads to. The kernel adds " (deleted)" where the name has gone to another file since, as in
 * every upgrade: proc(5), /proc/pid/exe.
 */
export function nameOfExecutable(link: string): string {
  return link.slice(link.lastIndexOf("/") + 1).replace(/ \(deleted\)$/, "")
}
