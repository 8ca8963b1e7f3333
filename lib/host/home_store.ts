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
}

/** As in native/home_writer.c. */
export const maxHomeFileBytes = 4 * 1024 * 1024
