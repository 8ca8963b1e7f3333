/** The AWS CLI and boto3 of PyPI in a virtual environment under .cache, made once; and a student's way to start them. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { compiledTool, root } from "./build.ts"
import { noteSkipped } from "./skips.ts"
import type { Workspace } from "./tools.ts"

const wanted = join(import.meta.dir, "aws_clients.txt")
const place = join(root, ".cache", "aws-clients")

/** The environment's `bin`; null, noted as skipped, where pip cannot fetch them. */
export function awsClients(): string | null {
  const installed = join(place, "installed.txt")
  if (!existsSync(installed) || readFileSync(installed, "utf8") !== readFileSync(wanted, "utf8")) {
    rmSync(place, { recursive: true, force: true })
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted]
    const isMade =
      Bun.spawnSync(["python3", "-m", "venv", place]).success &&
      Bun.spawnSync([join(place, "bin", "python"), ...pip]).success
    if (!isMade) {
      rmSync(place, { recursive: true, force: true })
      noteSkipped("tests with the AWS CLI and boto3: pip cannot fetch them")
      return null
    }
    copyFileSync(wanted, installed)
  }
  return join(place, "bin")
}

/**
 * Puts an `ec2-util` of this tree in the place of the installed one in a home's profile, and returns the environment in which a login
 * runs a client.
 */
export function asStudent(course: Workspace, login: string): Record<string, string> {
  const utility = join(course.directory, "bin", login, "ec2-util")
  mkdirSync(join(utility, ".."), { recursive: true })
  const tool =
    process.env.TEST_TOOLS === "compiled"
      ? compiledTool("ec2_util")
      : `${process.execPath} ${join(root, "scripts", "ec2_util.ts")}`
  writeFileSync(
    utility,
    `#!/bin/sh\nexport REAL_USERNAME=${login} EC2_WRAPPERS_CONFIG=${course.configPath}\nexec ${tool} "$@"\n`,
  )
  chmodSync(utility, 0o755)
  const config = join(course.home(login), ".aws", "config")
  const text = readFileSync(config, "utf8")
  writeFileSync(config, text.replace("/opt/ec2-wrappers/bin/ec2-util", utility))
  return { PATH: "/usr/bin:/bin", HOME: course.home(login), AWS_EC2_METADATA_DISABLED: "true" }
}
