/** The account's access key: the one secret that everything else protects. */
import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { dirname } from "node:path"
import * as v from "valibot"
import { Failed, messageOf } from "../../base/errors.ts"
import { requirePrivateFile } from "../files/private_file.ts"

export interface RootAccessKey {
  accessKeyId: string
  secretAccessKey: string
}

// The old tools' file; further fields, such as comments, are left alone.
const keyFile = v.object({
  aws_access_key_id: v.pipe(v.string(), v.regex(/^\w{16,128}$/)),
  aws_secret_access_key: v.pipe(v.string(), v.nonEmpty()),
})

const wanted = 'wanted {"aws_access_key_id": "...", "aws_secret_access_key": "..."}, mode 0400'

/** What `aws iam create-access-key` prints. */
const createdKey = v.object({
  AccessKey: v.object({
    AccessKeyId: keyFile.entries.aws_access_key_id,
    SecretAccessKey: keyFile.entries.aws_secret_access_key,
  }),
})

/** Reads the JSON file; throws Failed, which never shows any of its content. */
export function readRootAccessKey(path: string): RootAccessKey {
  return parseKey(readPrivate(path), `root access key ${path}`)
}

/** A key as the file has it, or as `aws iam create-access-key` prints it; throws Failed, which never shows any of it. */
export function parseRootAccessKey(source: string): RootAccessKey {
  return parseKey(source, "key on stdin")
}

function parseKey(source: string, what: string): RootAccessKey {
  let json: unknown
  try {
    json = JSON.parse(source)
  } catch {
    throw new Failed(what, `is not JSON, ${wanted}`) // the parser's message would quote the secret
  }
  const created = v.safeParse(createdKey, json)
  if (created.success) {
    const { AccessKeyId, SecretAccessKey } = created.output.AccessKey
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }
  }
  const result = v.safeParse(keyFile, json)
  if (!result.success) throw new Failed(what, `is not the object that is meant, ${wanted}`)
  return {
    accessKeyId: result.output.aws_access_key_id,
    secretAccessKey: result.output.aws_secret_access_key,
  }
}

/**
 * Puts a key into the place of the one at `path`, or where none is, by one rename. `path` and what it writes beside it on the way are
 * private; a run that was killed leaves the old key and, at the most, that file, which the next one removes.
 */
export function writeRootAccessKey(path: string, { accessKeyId, secretAccessKey }: RootAccessKey): void {
  const incoming = `${path}.incoming`
  rmSync(incoming, { force: true })
  try {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    const fd = openSync(incoming, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o400)
    try {
      const text = JSON.stringify({ aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey })
      writeFileSync(fd, `${text}\n`)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(incoming, path)
    const directory = openSync(dirname(path), constants.O_RDONLY)
    fsyncSync(directory)
    closeSync(directory)
  } catch (error) {
    rmSync(incoming, { force: true })
    throw new Failed(`write ${path}`, messageOf(error), { cause: error })
  }
}

function readPrivate(path: string): string {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    requirePrivateFile(fd, path)
    return readFileSync(fd, "utf8")
  } catch (error) {
    if (error instanceof Failed) throw error
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT"
    throw new Failed(`root access key ${path}`, isMissing ? `does not exist, ${wanted}` : messageOf(error), {
      cause: error,
    })
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
