/** Files in the home of whoever runs this process, with its own rights; as native/home_writer.c does it. */
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { Failed, messageOf } from "../../base/errors.ts"
import { type HomeFile, type HomePath, type HomeStore, maxHomeFileBytes, notPlain } from "./home_store.ts"

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

export function directHome(home: string): HomeStore {
  const directoryOf = ({ subdirectory }: HomePath) => join(home, subdirectory)
  return {
    probe: () =>
      attempt("write into", home, () => {
        requireOwn(home)
        const temporary = fillTemporary(home, new Uint8Array(4096))
        rmSync(temporary)
      }),

    read: (path) =>
      attempt("read", join(directoryOf(path), path.name), () => {
        requireOwn(home)
        return readRegular(join(directoryOf(path), path.name))
      }),

    write: (file) =>
      attempt("write", join(directoryOf(file), file.name), () => {
        requireOwn(home)
        const directory = directoryOf(file)
        if (file.subdirectory !== "") {
          mkdirSync(directory, { recursive: true, mode: 0o700 })
          if (lstatSync(directory).isSymbolicLink()) throw new Error(`${directory} ${notPlain.link}`)
          requireOwn(directory)
        }
        replace(directory, file)
      }),

    retire: (path) =>
      attempt("move", join(directoryOf(path), path.name), () => {
        requireOwn(home)
        const directory = directoryOf(path)
        if (!existsSync(directory)) return
        if (path.subdirectory !== "" && lstatSync(directory).isSymbolicLink())
          throw new Error(`${directory} ${notPlain.link}`)
        requireOwn(directory)
        try {
          renameSync(join(directory, path.name), join(directory, `${path.name}.old`))
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
        }
        withDescriptor(directory, O_RDONLY | O_DIRECTORY, fsyncSync)
      }),
  }
}

function attempt<T>(action: string, path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new Failed(`${action} ${path}`, messageOf(error), { cause: error })
  }
}

function requireOwn(directory: string): void {
  withDescriptor(directory, O_RDONLY | O_DIRECTORY, (fd) => {
    const owner = fstatSync(fd).uid
    if (owner !== process.geteuid?.()) throw new Error(`${directory} belongs to uid ${owner}, not to you`)
  })
}

// O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
function readRegular(path: string): Uint8Array | null {
  try {
    return withDescriptor(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, (fd) => {
      const stats = fstatSync(fd)
      if (!stats.isFile()) throw new Error(notPlain.special)
      if (stats.size > maxHomeFileBytes) throw new Error("is larger than 4 MiB")
      return readFileSync(fd)
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT") return null
    if (code === "ELOOP") throw new Error(notPlain.link)
    throw error
  }
}

function replace(directory: string, { name, content, keepOld }: HomeFile): void {
  const temporary = fillTemporary(directory, content)
  try {
    if (keepOld) keep(join(directory, name))
    renameSync(temporary, join(directory, name))
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  withDescriptor(directory, O_RDONLY | O_DIRECTORY, fsyncSync)
}

/** A second name for what is there, so that at no time the first is missing. */
function keep(path: string): void {
  rmSync(`${path}.old`, { force: true })
  try {
    linkSync(path, `${path}.old`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== "ENOENT") renameSync(path, `${path}.old`) // a directory, or a file system without links
  }
}

function fillTemporary(directory: string, content: Uint8Array): string {
  const temporary = join(directory, `.ec2-wrappers.${process.pid}.${Bun.randomUUIDv7()}.tmp`)
  const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    writeFileSync(fd, content)
    fchmodSync(fd, 0o600)
    fsyncSync(fd)
    closeSync(fd)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  return temporary
}

function withDescriptor<T>(path: string, flags: number, work: (fd: number) => T): T {
  const fd = openSync(path, flags)
  try {
    return work(fd)
  } finally {
    closeSync(fd)
  }
}
