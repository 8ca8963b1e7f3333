/** What `npm run release` makes, twice in different directories, and packages for another processor: `npm run test:packages`. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { root } from "../support/build.ts"
import { workspace } from "../support/tools.ts"
import { copySources } from "./versions.ts"

setDefaultTimeout(900_000) // a busy machine takes its time

const { version } = packageJson
const cache = join(root, ".cache")
mkdirSync(cache, { recursive: true })
const places: string[] = []
const place = (name: string) => {
  const made = mkdtempSync(join(cache, `${name}-`))
  places.push(made)
  return made
}
afterAll(() => {
  for (const made of places) rmSync(made, { recursive: true, force: true })
})

function must(command: string[], options: { cwd?: string; env?: Record<string, string> } = {}): string {
  const done = Bun.spawnSync(command, { ...options, stderr: "pipe" })
  if (!done.success) throw new Error(`${command.join(" ")}: ${done.stdout}${done.stderr}`)
  return String(done.stdout)
}

describe("a release", () => {
  test("made twice, in different directories, by two people, has the same bytes, sums and bill of materials", () => {
    const base = place("release")
    const made = ["first", "the/second one"].map((name, index) => {
      const tree = join(base, name)
      copySources(tree)
      const script = `umask ${index === 0 ? "022" : "077"}; exec bun packaging/release.ts --outdir made`
      must(["sh", "-c", script], {
        cwd: tree,
        env: {
          PATH: `${join(root, "node_modules/.bin")}:/usr/bin:/bin`,
          HOME: tree,
          TZ: index === 0 ? "UTC" : "Pacific/Auckland",
          LANG: index === 0 ? "C" : "C.UTF-8",
          SOURCE_DATE_EPOCH: "1790000000",
        },
      })
      return join(tree, "made")
    })
    const [first = "", second = ""] = made
    const sums = readFileSync(join(first, "SHA256SUMS"), "utf8")
    expect(readFileSync(join(second, "SHA256SUMS"), "utf8")).toBe(sums)
    expect(sums).toMatch(/_amd64\.deb\n|_arm64\.deb\n/)
    expect(sums).toContain(".rpm\n")
    expect(must(["sha256sum", "--check", "SHA256SUMS"], { cwd: first })).not.toContain("FAILED")
    const bill = JSON.parse(readFileSync(join(first, `ec2-wrappers-${version}.cdx.json`), "utf8"))
    expect(bill).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.5" })
    const names = bill.components.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(Object.keys(packageJson.dependencies)))
    for (const name of Object.keys(packageJson.devDependencies)) expect(names).not.toContain(name)
    expect(readFileSync(join(first, "RELEASE_NOTES.md"), "utf8")).toContain("### Added\n")
    expect(
      statSync(join(first, readdirSync(first).find((name) => name.endsWith(".deb")) ?? "")).size,
    ).toBeLessThan(60e6)
  })

  test.skipIf(!Bun.which("minisign"))("is signed with the key that is given", () => {
    const keys = place("keys")
    must(["minisign", "-G", "-W", "-p", join(keys, "public"), "-s", join(keys, "secret")])
    const out = join(keys, "release")
    must([process.execPath, "packaging/release.ts", "--outdir", out, "--minisign", join(keys, "secret")], {
      cwd: root,
    })
    const verify = ["minisign", "-V", "-p", join(keys, "public"), "-m", join(out, "SHA256SUMS")]
    expect(must(verify)).toContain("Signature and comment signature verified")
    writeFileSync(join(out, "SHA256SUMS"), "changed")
    expect(() => must(verify)).toThrow("failed")
  })
})

const emulated = process.arch === "x64" && Bun.which("qemu-aarch64") && Bun.which("aarch64-linux-gnu-gcc")
describe.skipIf(!emulated)("a build for arm64", () => {
  const qemu = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
  const out = join(cache, "arm64")

  test("has programs of that processor alone, in a package of it", () => {
    must([process.execPath, "build.ts", "--outdir", out, "--target", "arm64", "deb"], { cwd: root })
    const programs = ["libexec", "bin"].flatMap((folder) =>
      readdirSync(join(out, folder)).map((name) => join(out, folder, name)),
    )
    for (const program of programs) {
      const machine = readFileSync(program).readUInt16LE(18) // e_machine: elf(5)
      expect(`${program}: ${machine}`).toBe(`${program}: 183`)
    }
    const field = must([
      "dpkg-deb",
      "--field",
      join(out, `ec2-wrappers_${version}_arm64.deb`),
      "Architecture",
    ])
    expect(field).toBe("arm64\n")
  })

  test("has tools that work there: each by its name, and databases that they make", async () => {
    for (const tool of readdirSync(join(out, "libexec")).filter((name) => !name.endsWith(".node")))
      expect(must([...qemu, join(out, "libexec", tool), "--version"])).toStartWith(`${tool} ${version}`)
    linkSync(join(out, "libexec", "setup"), join(out, "libexec", "other"))
    const other = Bun.spawnSync([...qemu, join(out, "libexec", "other"), "--version"], { stderr: "pipe" })
    rmSync(join(out, "libexec", "other"))
    expect([other.exitCode, String(other.stderr)]).toEqual([
      126,
      expect.stringContaining('holds no tool named "other"'),
    ])
    const course = workspace()
    const env = {
      REAL_USERNAME: "cs61c",
      EC2_WRAPPERS_CONFIG: course.configPath,
      HOME: course.home("cs61c"),
      PATH: "/usr/bin:/bin",
    }
    expect(must([...qemu, join(out, "libexec", "init_dbs")], { env })).toContain("made ")
    expect(must([...qemu, join(out, "libexec", "init_dbs")], { env })).toBe("nothing to do\n")
    expect(must([...qemu, join(out, "libexec", "usage_report"), "ALL", "--offline"], { env })).toContain("$")
    course.remove()
  })

  test("has wrappers that refuse there as they do here", () => {
    const refused = Bun.spawnSync([...qemu, join(out, "bin", "ec2-util")], { stderr: "pipe" })
    expect(String(refused.stderr)).toMatch(
      /^ec2-util: (account cs61c: there is none|does not run as cs61c|is not for root)/,
    )
    expect(refused.exitCode).toBe(126)
  })
})
