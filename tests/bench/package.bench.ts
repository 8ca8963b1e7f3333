/** What the packages weigh, and how long they take to build and to upgrade. Needs root and debootstrap for the upgrade. */
import { lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { cleanRoot, whyNoRoots } from "../packages/clean_root.ts"
import { packageOf } from "../packages/versions.ts"
import { compactDist, compiledTool, root } from "../support/build.ts"
import { type Bench, type Figure, ratio } from "./support/figures.ts"
import { median, medians } from "./support/timing.ts"

const megabyte = 1e6

export const bench: Bench = {
  what: "the packages: size, build, start and upgrade",
  async run() {
    const place = mkdtempSync(join(tmpdir(), "package-bench-"))
    try {
      const deb = packageOf("current", "deb")
      const unpacked = join(place, "unpacked")
      Bun.spawnSync(["dpkg-deb", "-x", deb, unpacked])
      const env = { PATH: "/usr/bin:/bin", HOME: place }
      const build = (...words: string[]) => ({
        command: [process.execPath, "build.ts", "--outdir", join(place, "built"), ...words],
        cwd: root,
        env,
      })
      const built = await medians(
        { tool: build("--only", "ec2_util"), deb: build("deb") },
        { rounds: 2, warmups: 0 },
      )
      const help = await medians(
        {
          single: { command: [compiledTool("ec2_util"), "--help"] },
          compact: { command: [join(compactDist(), "libexec", "ec2_util"), "--help"] },
        },
        { rounds: 31 },
      )
      return [
        size(".deb", statSync(deb).size, 60),
        size("installed", bytesOf(unpacked), 130),
        ratio("building the .deb", built.deb, ["building one tool", built.tool], 12),
        ratio("compact ec2_util --help", help.compact, ["an executable of its own", help.single], 1.2),
        ...(whyNoRoots() === null ? [await upgrade()] : []),
      ]
    } finally {
      rmSync(place, { recursive: true, force: true })
    }
  },
}

/** Beside what it may weigh at the most. */
function size(what: string, bytes: number, mostMegabytes: number): Figure {
  return ratio(what, bytes / megabyte, ["at the most", mostMegabytes], 1, (value) => `${value.toFixed(1)} MB`)
}

/** Each file once, however many names it has. */
function bytesOf(directory: string): number {
  const sizes = new Map<number, number>()
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const stats = lstatSync(join(directory, name))
    if (stats.isFile()) sizes.set(stats.ino, stats.size)
  }
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
}

/** From one version to another and back, with databases, beside unpacking the same file. */
async function upgrade(): Promise<Figure> {
  const clean = await cleanRoot("bookworm")
  try {
    for (const which of ["current", "patch"] as const)
      await clean.fromOutside(["cp", packageOf(which, "deb"), `${clean.path}/root/${which}.deb`])
    const timed = async (script: string) => {
      const started = performance.now()
      const { code, stderr } = await clean.sh(script)
      if (code !== 0) throw new Error(`${script}: ${stderr}`)
      return performance.now() - started
    }
    await timed("dpkg -i /root/current.deb")
    await timed(
      "setpriv --reuid cs61c --regid cs61c --clear-groups env -i /opt/ec2-wrappers/libexec/init_dbs",
    )
    const [upgrades, extractions]: [number[], number[]] = [[], []]
    for (const which of ["patch", "current", "patch", "current"]) {
      extractions.push(await timed(`rm -rf /root/x; dpkg-deb -x /root/${which}.deb /root/x`))
      upgrades.push(await timed(`dpkg -i /root/${which}.deb`))
    }
    return ratio("an upgrade", median(upgrades), ["dpkg-deb -x", median(extractions)], 5)
  } finally {
    clean.stop()
  }
}
