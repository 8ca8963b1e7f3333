/** The account's access key: the one secret that everything else protects. */
import { closeSync, constants, openSync, readFileSync } from "node:fs"
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

/** Reads the JSON file; throws Failed, which never shows any of its content. */
export function readRootAccessKey(path: string): RootAccessKey {
  const source = readPrivate(path)
  let json: unknown
  try {
    json = JSON.parse(source)
  } catch {
    throw new Failed(`root access key ${path}`, `is not JSON, ${wanted}`) // the parser's message would quote the secret
  }
  const result = v.safeParse(keyFile, json)
  if (!result.success) {
    throw new Failed(`root access key ${path}`, `is not the object that is meant, ${wanted}`)
  }
  return {
    accessKeyId: result.output.aws_access_key_id,
    secretAccessKey: result.output.aws_secret_access_key,
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
