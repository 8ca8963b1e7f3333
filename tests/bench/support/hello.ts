/** A hello-world compiled as build.ts compiles the tools: the least that a compiled Bun program costs. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { compileExecutable } from "../../../packaging/executable.ts"
import { root } from "../../support/build.ts"

export async function helloWorld(): Promise<string> {
  const directory = join(root, ".cache", "bench")
  mkdirSync(directory, { recursive: true })
  const source = join(directory, "hello.ts")
  await Bun.write(source, 'import { writeSync } from "node:fs"\nwriteSync(1, "hello world\\n")\n')
  const outfile = join(directory, "hello")
  await compileExecutable(source, outfile)
  return outfile
}
