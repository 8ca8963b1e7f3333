/**
 * Files in the caller's home: through the wrapper's writer, which runs as the caller, or directly when the tool itself does.
 * Either way a file appears whole or not at all, mode 0600, never through a link, and never outside the home.
 */
import { UsageError } from "../../base/errors.ts"
import { quoted } from "../../base/text.ts"
import type { Caller } from "../caller/caller.ts"
import { directHome } from "./home_direct.ts"
import { type HomePath, maxHomeFileBytes } from "./home_store.ts"
import { homeBehindWriter } from "./home_writer.ts"

export interface WriteOptions {
  /** Keeps what is there, if anything, as `NAME.old` beside it. */
  keepOld?: boolean
}

/**
 * A path is `NAME` or `SUBDIRECTORY/NAME` of letters, digits and `_ + = . @ -`; the subdirectory is made where it is missing.
 * Everything throws Failed with the path and the reason. All of it waits, for at most 10 seconds behind the wrapper: never
 * call it while a database is locked.
 */
export interface HomeFiles {
  /** The home's absolute path, for messages and for the contents of files. */
  readonly directory: string
  /** Makes, fills and removes a small file: is the home there, does it have room, is its writer alive? */
  probe(): void
  /** The text of a file of at most 4 MiB; null where there is none. A link, pipe or directory is an error. */
  read(path: string): string | null
  write(path: string, content: string | Uint8Array, options?: WriteOptions): void
  /** Moves a file to `NAME.old`, in place of what has that name; nothing happens where there is no file. */
  retire(path: string): void
}

/** The caller's home, by the way that this process may take. */
export function openHome(caller: Pick<Caller, "home" | "writerFd">): HomeFiles {
  const store =
    caller.writerFd === null ? directHome(caller.home) : homeBehindWriter(caller.writerFd, caller.home)
  return {
    directory: caller.home,
    probe: () => store.probe(),
    read(path) {
      const content = store.read(checkedPath(path))
      return content === null ? null : new TextDecoder().decode(content)
    },
    write(path, content, options = {}) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content
      if (bytes.length > maxHomeFileBytes) {
        throw new UsageError(
          `write ${quoted(path)}`,
          `it is ${bytes.length} bytes, at most 4 MiB go into a home`,
        )
      }
      store.write({ ...checkedPath(path), content: bytes, keepOld: options.keepOld ?? false })
    },
    retire: (path) => store.retire(checkedPath(path)),
  }
}

const plainName = /^(?!\.\.?$)[\w+=.@-]{1,63}$/

function checkedPath(path: string): HomePath {
  const parts = path.split("/")
  if (parts.length <= 2 && parts.every((part) => plainName.test(part))) {
    return { subdirectory: parts.length === 2 ? (parts[0] ?? "") : "", name: parts.at(-1) ?? "" }
  }
  throw new UsageError(
    "home",
    `${quoted(path)} names no file in your home, wanted NAME or DIRECTORY/NAME of letters, digits and _ + = . @ -`,
  )
}
