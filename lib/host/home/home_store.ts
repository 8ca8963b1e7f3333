/** What the two ways into a home have in common. */

/** What both implementations are given: a path taken apart and found harmless. */
export interface HomePath {
  /** Empty: the home itself. */
  subdirectory: string
  name: string
}

export interface HomeFile extends HomePath {
  content: Uint8Array
  keepOld: boolean
}

/** The work behind HomeFiles, without the checks that are the same for both. */
export interface HomeStore {
  probe(): void
  read(path: HomePath): Uint8Array | null
  write(file: HomeFile): void
  retire(path: HomePath): void
}

/** As in native/home_writer.c. */
export const maxHomeFileBytes = 4 * 1024 * 1024

/** What stands in the way where a file or directory of ours should be, and what its owner can do. */
export const notPlain = {
  link: "is a symbolic link; move it away and try again",
  directory: "is a symbolic link or no directory; move it away and try again",
  special: "is not a regular file; move it away and try again",
}
