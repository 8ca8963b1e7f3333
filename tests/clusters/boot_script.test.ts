import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { packUserData, withEnvironment } from "../../lib/decisions/clusters/user_data.ts"
import { bootScript } from "../../lib/operations/clusters/boot_script.ts"
import type { ClusterSession } from "../../lib/operations/clusters/deps.ts"
import { ebsMappings } from "../../lib/operations/clusters/storage_file.ts"
import { jupyterScript } from "../../lib/operations/ssh/jupyter_script.ts"
import { finished } from "../support/tools.ts"
import { saidLoudly } from "./lab.ts"

let directory: string
let script: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "boot-"))
  script = join(directory, "boot.sh")
  writeFileSync(script, withEnvironment(bootScript, { ROLES: "nn,dn" }))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Defines the script's functions and runs these commands with them. */
function withBoot(commands: string, env: Record<string, string> = {}) {
  const { stdout, stderr, exitCode } = Bun.spawnSync(["bash", "-c", `. '${script}'\n${commands}`], {
    env: { PATH: process.env.PATH ?? "", ...env },
    cwd: directory,
  })
  return { stdout: stdout.toString(), stderr: stderr.toString(), code: exitCode }
}

describe("the boot script", () => {
  test.skipIf(
    saidLoudly("shellcheck of the boot script", Bun.which("shellcheck") ? null : "it is not installed") !==
      null,
  )("is clean to shellcheck", () => {
    for (const script of [bootScript, jupyterScript]) {
      const checked = Bun.spawnSync(["shellcheck", "-"], { stdin: new TextEncoder().encode(script) })
      expect(checked.stdout.toString()).toBe("")
    }
    // So are the scripts that it writes, which shellcheck takes for text.
    const written = [...bootScript.matchAll(/<<'END'\n(#!\/bin\/bash\n.*?\n)END\n/gs)].map(
      ([, text]) => text ?? "",
    )
    expect(written).toHaveLength(2)
    for (const script of written) {
      const stdin = new TextEncoder().encode(script)
      expect(Bun.spawnSync(["shellcheck", "-e", "SC1091", "-"], { stdin }).stdout.toString()).toBe("")
    }
  })

  test("stops at the first error, shows no commands, and leaves room in the user data", () => {
    expect(bootScript).toMatch(/^set -euo pipefail$/m)
    expect(bootScript).not.toMatch(/set -[a-z]*x/)
    expect(packUserData("boot", bootScript).length).toBeLessThan(12.5 * 1024)
    expect(packUserData("jupyter", jupyterScript).length).toBeLessThan(3 * 1024)
    for (const script of [bootScript, jupyterScript]) expect(script).toMatch(/^[\n\x20-\x7e]*$/)
  })

  test("keeps the token of JupyterLab on the machine, where the login user alone reads it", () => {
    const tokenFile = join(directory, "jupyter_token")
    const stubs = `login_user=$(id -un) state_dir='${directory}' jupyter_unit=unit python_home=/py
      write_file() { cat >'${directory}/unit'; }; systemctl() { :; }`
    const made = withBoot(
      `${stubs}\nwrite_jupyter_unit; cat '${tokenFile}'; stat -c ' %a' '${tokenFile}'; write_jupyter_unit`,
    )
    expect(made.stdout).toMatch(/^[0-9a-f]{48} 600\n$/)
    const [token = ""] = made.stdout.split(" ")
    const unit = readFileSync(join(directory, "unit"), "utf8")
    expect(unit).toContain(" --ip=127.0.0.1 ")
    expect(unit).not.toContain(token)
    expect(readFileSync(tokenFile, "utf8")).toBe(token)
  })

  test("asks version 2 of the metadata service only", () => {
    const asked = bootScript.split("\n").filter((line) => /curl .*imds|imds.*curl/.test(line))
    for (const line of asked) expect(line).toMatch(/X-aws-ec2-metadata-token|-X PUT/)
  })
})

describe("a device", () => {
  const device = (fill: (path: string) => void) => {
    const path = join(directory, `disk-${crypto.randomUUID()}`)
    writeFileSync(path, new Uint8Array(8 << 20))
    fill(path)
    return path
  }
  const mayFormat = (path: string) => withBoot(`is_blank '${path}'`).code === 0

  test("that is all zero may be formatted", () => expect(mayFormat(device(() => {}))).toBe(true))

  test.each([
    ["a file system", (path: string) => Bun.spawnSync(["mkfs", "-t", "ext4", "-q", "-F", path])],
    ["a swap area", (path: string) => Bun.spawnSync(["mkswap", path])],
    ["bytes that nobody knows", (path: string) => writeAt(path, 700_000)],
    ["a boot sector's mark", (path: string) => writeAt(path, 510)],
  ])("with %s is never formatted", (_what, fill) => {
    expect(mayFormat(device(fill))).toBe(false)
  })

  test("that is not there is never formatted", () => expect(mayFormat("/nonexistent")).toBe(false))
})

test("storage is found by the volumes' ids where the image has no links for devices", () => {
  const at = join(directory, "ec2-storage-words.json")
  const volume = (id: string) => ({ device: "/dev/sdj", mount_point: "/ebs1", volume_id: id })
  writeFileSync(at, JSON.stringify({ dn: [[volume("vol-0000000a")], [volume("vol-0000000b")]] }))
  const mappings = ebsMappings({ deps: { configDir: directory }, name: "words" } as ClusterSession, [
    "dn",
    "nm",
  ])
  expect(mappings).toBe("dn,/ebs1,/dev/sdj,vol-0000000a vol-0000000b")
  const devices = `mount -t tmpfs none /dev && mknod /dev/null c 1 3 && mkdir -p /dev/disk/by-id && cd /dev/disk/by-id &&
    mknod /dev/nvme1n1 b 7 77 && ln -s ../../nvme1n1 nvme-Amazon_Elastic_Block_Store_vol0000000b`
  const found = "mount_device() { echo $* >&2; }\nmount_storage"
  const namespace = ["unshare", "-m", "bash", "-c", `${devices}\n. '${script}'\n${found}`]
  const { stderr } = Bun.spawnSync(namespace, {
    env: { PATH: process.env.PATH ?? "", EBS_MAPPINGS: mappings },
  })
  expect(stderr.toString()).toBe("/dev/nvme1n1 /ebs1\n")
})

function writeAt(path: string, offset: number): void {
  const bytes = readFileSync(path)
  bytes.set([0x55, 0xaa], offset)
  writeFileSync(path, bytes)
}

describe("a release from a mirror", () => {
  const release = "hadoop/common/hadoop-3.4.2/hadoop-3.4.2.tar.gz"
  let server: Bun.Server<undefined>
  let archive: Buffer
  let sums: (hex: string) => string

  beforeAll(() => {
    const tree = join(directory, "hadoop-3.4.2", "bin")
    mkdirSync(tree, { recursive: true })
    writeFileSync(join(tree, "hadoop"), "#!/bin/sh\necho it runs\n", { mode: 0o755 })
    Bun.spawnSync(["tar", "-czf", "release.tar.gz", "hadoop-3.4.2"], { cwd: directory })
    archive = readFileSync(join(directory, "release.tar.gz"))
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        const { pathname } = new URL(request.url)
        if (pathname === `/good/${release}`) return new Response(archive)
        if (pathname === `/tampered/${release}`)
          return new Response(Buffer.concat([archive, Buffer.from("x")]))
        if (pathname === `/sums/${release}.sha512`) return new Response(sums(sha512(archive)))
        return new Response(null, { status: 404 })
      },
    })
  })
  afterAll(() => server.stop(true))
  const sha512 = (bytes: Uint8Array) => new Bun.CryptoHasher("sha512").update(bytes).digest("hex")

  /** Asynchronous: the mirror is this process. */
  async function install(mirrors: string[], env: Record<string, string> = {}) {
    const at = (path: string) => `http://127.0.0.1:${server.port}/${path}`
    const home = join(directory, `home-${crypto.randomUUID()}`)
    const child = Bun.spawn(
      [
        "bash",
        "-c",
        `. '${script}'\nmktemp() { command mktemp -d '${directory}/dl-XXXXXX'; }\nhadoop_home='${home}'\nphase_hadoop && '${home}/bin/hadoop'`,
      ],
      {
        env: {
          PATH: process.env.PATH ?? "",
          MIRRORS: mirrors.map(at).join(" "),
          CHECKSUM_ORIGINS: at("sums"),
          ...env,
        },
        stdout: "pipe",
        stderr: "pipe",
      },
    )
    return finished(child)
  }

  test.each([
    ["HEX  FILE", (hex: string) => `${hex}  hadoop-3.4.2.tar.gz\n`],
    ["SHA512 (FILE) = HEX", (hex: string) => `SHA512 (hadoop-3.4.2.tar.gz) = ${hex}\n`],
    [
      "gpg's groups",
      (hex: string) =>
        `hadoop-3.4.2.tar.gz: ${hex
          .toUpperCase()
          .replace(/(.{8})/g, "$1 ")
          .replace(/(.{36})/g, "$1\n   ")}\n`,
    ],
  ])("is installed when its SHA-512 is the published one (%s)", async (_form, form) => {
    sums = form
    expect(await install(["good"])).toMatchObject({ stdout: "it runs\n", code: 0 })
  })

  test("is refused from a mirror that changed it, and taken from the next", async () => {
    sums = (hex) => hex
    const fallen = await install(["tampered", "missing", "good"])
    expect(fallen.stderr).toContain("has another SHA-512")
    expect(fallen).toMatchObject({ stdout: "it runs\n", code: 0 })
    const none = await install(["tampered"])
    expect(none.stderr).toContain(
      "no mirror has hadoop/common/hadoop-3.4.2/hadoop-3.4.2.tar.gz with the right SHA-512",
    )
    expect(none.code).not.toBe(0)
  })

  test("is held against our own sum where we have one, whatever is published", async () => {
    sums = () => "0".repeat(128)
    expect((await install(["good"], { HADOOP_SHA512: sha512(archive).toUpperCase() })).code).toBe(0)
    expect((await install(["good"], { HADOOP_SHA512: "f".repeat(128) })).code).not.toBe(0)
  })
})
