/**
 * `npm run release`: packages of this version, their checksums, what they are made of, the notes from CHANGELOG.md, and a signature. The
 * same commit gives the same bytes but for the signature.
 */
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { UsageError } from "../lib/base/errors.ts"
import { version } from "../lib/base/version.ts"
import { type Arguments, type ArgumentTable, readArguments } from "../lib/terminal/arguments.ts"
import { billOfMaterials } from "./bill_of_materials.ts"
import { releaseOf } from "./changes.ts"

const argumentTable = {
  outdir: { type: "string", default: "dist/release" },
  target: { type: "enum", options: ["x64", "arm64"] },
  minisign: { type: "string", description: "The secret key file" },
  gpg: { type: "string", description: "The key's name, as gpg --local-user takes it" },
} as const satisfies ArgumentTable
type Options = Arguments<typeof argumentTable>

const usage = `npm run release -- [--outdir DIR] [--target x64|arm64] [--minisign KEY-FILE | --gpg KEY-NAME]`

const root = resolve(import.meta.dir, "..")
const argv = process.argv.slice(2)
if (argv.includes("--help")) {
  console.log(usage)
  process.exit(0)
}
try {
  release(readArguments(argumentTable, argv))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`release: ${error.message}`)
  process.exit(2)
}

function release({ outdir, target, minisign, gpg }: Options): void {
  const place = resolve(outdir)
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  process.chdir(root)
  const made = ["deb", "rpm"].map((kind) => built(kind, target, place))
  const write = (name: string, text: string) => {
    writeFileSync(join(place, name), text)
    made.push(name)
  }
  write(
    `ec2-wrappers-${version}.cdx.json`,
    billOfMaterials(JSON.parse(readFileSync("package-lock.json", "utf8"))),
  )
  write("RELEASE_NOTES.md", `${releaseOf(readFileSync("CHANGELOG.md", "utf8"), version).text}\n`)
  const sums = made.toSorted().map((name) => `${sha256(join(place, name))}  ${name}\n`)
  writeFileSync(join(place, "SHA256SUMS"), sums.join(""))
  if (minisign !== undefined) run("minisign", "-S", "-s", resolve(minisign), "-m", join(place, "SHA256SUMS"))
  if (gpg !== undefined)
    run("gpg", "--batch", "--yes", "--local-user", gpg, "--armor", "--detach-sign", join(place, "SHA256SUMS"))
  console.log(sums.join("").trimEnd())
  if (minisign === undefined && gpg === undefined)
    console.log("SHA256SUMS is not signed: give --minisign or --gpg")
}

/** Builds one package; returns its name. */
function built(kind: string, target: string | undefined, place: string): string {
  const work = join(place, ".build")
  run(
    process.execPath,
    "build.ts",
    "--outdir",
    work,
    ...(target === undefined ? [] : ["--target", target]),
    kind,
  )
  const pattern = kind === "deb" ? `ec2-wrappers_${version}_*.deb` : `ec2-wrappers-${version}-1.*.rpm`
  const [found = ""] = [...new Bun.Glob(pattern).scanSync({ cwd: work })]
  renameSync(join(work, found), join(place, found))
  rmSync(work, { recursive: true })
  return basename(found)
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex")
}

function run(...command: string[]): void {
  const done = Bun.spawnSync(command, { stdin: "inherit", stdout: "pipe", stderr: "pipe" })
  if (!done.success) throw new Error(`${command.join(" ")}: ${done.stdout}${done.stderr}`)
}
