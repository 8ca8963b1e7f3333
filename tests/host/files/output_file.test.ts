import { beforeAll, describe, expect, test } from "bun:test"
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { writeOutput } from "../../../lib/host/files/output_file.ts"
import { scratchDirectory } from "../../support/scratch.ts"

const directory = scratchDirectory("output-file")
const asMyself = { caller: { behindWrapper: false }, home: {} } as unknown as Parameters<
  typeof writeOutput
>[0]
const write = (name: string, text = "new") => writeOutput(asMyself, join(directory, name), text)
const at = (name: string) => join(directory, name)

describe("a named output file", () => {
  beforeAll(() => {
    mkdirSync(at("elsewhere"))
    mkdirSync(at("shared"))
    chmodSync(at("shared"), 0o1777)
  })

  test("that is plain is replaced whole", () => {
    writeFileSync(at("plain"), "an older and longer text")
    const before = lstatSync(at("plain")).ino
    write("plain")
    expect(readFileSync(at("plain"), "utf8")).toBe("new")
    expect(lstatSync(at("plain")).ino).not.toBe(before)
  })

  test("that is a symbolic link stays one, and the file behind it is replaced", () => {
    writeFileSync(at("elsewhere/page"), "old")
    symlinkSync("elsewhere/page", at("link"))
    write("link")
    expect(readlinkSync(at("link"))).toBe("elsewhere/page")
    expect(readFileSync(at("elsewhere/page"), "utf8")).toBe("new")
  })

  test("that is a link to nothing is refused and stays", () => {
    symlinkSync("nowhere", at("dangling"))
    expect(() => write("dangling")).toThrow("a symbolic link to a file that does not exist")
    expect(readlinkSync(at("dangling"))).toBe("nowhere")
  })

  test("that is a FIFO is written into, also where its reader comes later and is slow", async () => {
    expect(Bun.spawnSync(["mkfifo", at("fifo")]).exitCode).toBe(0)
    const reader = Bun.spawn(["sh", "-c", 'sleep 0.3; exec 3<"$1"; sleep 0.3; wc -c <&3', "sh", at("fifo")], {
      stdout: "pipe",
    })
    write("fifo", "x".repeat(200_000))
    expect((await new Response(reader.stdout).text()).trim()).toBe("200000")
    expect(lstatSync(at("fifo")).isFIFO()).toBe(true)
  })

  test("that is /dev/full stays a device, and the error says so", () => {
    expect(() => writeOutput(asMyself, "/dev/full", "text")).toThrow("the disk is full")
    expect(lstatSync("/dev/full").isCharacterDevice()).toBe(true)
    writeOutput(asMyself, "/dev/null", "text")
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true)
  })

  test("that is a directory is refused", () => {
    expect(() => write("elsewhere")).toThrow("that is a directory")
  })

  test.skipIf(process.getuid?.() !== 0)("that another user planted in a shared directory is refused", () => {
    writeFileSync(at("secret"), "root's own")
    for (const plant of [`ln -s ${at("secret")}`, "mkfifo"]) {
      const name = `planted-${plant.slice(0, 2)}`
      Bun.spawnSync([
        "sh",
        "-c",
        `${plant} ${at(`shared/${name}`)} && chown -h 65534 ${at(`shared/${name}`)}`,
      ])
      expect(() => write(`shared/${name}`)).toThrow("another user made it")
    }
    expect(readFileSync(at("secret"), "utf8")).toBe("root's own")
  })
})
