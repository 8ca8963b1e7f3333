import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  chownSync,
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type HomeFiles, openHome } from "../../../lib/host/home/home.ts"
import { homeBehindWriter } from "../../../lib/host/home/home_writer.ts"
import { startWriter } from "../../support/writer.ts"

let home: string
let files: HomeFiles
let writer: ReturnType<typeof startWriter>
const at = (path: string) => join(home, path)
const text = (path: string) => readFileSync(at(path), "utf8")
const modeOf = (path: string) => statSync(at(path)).mode & 0o7777
const makePipe = (path: string) => Bun.spawnSync(["mkfifo", path])

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ec2-wrappers-home-"))
  writer = startWriter(home, 1)
})

afterEach(() => {
  writer.child.kill("SIGKILL")
  closeSync(writer.socket)
  rmSync(home, { recursive: true })
})

for (const way of ["directly", "through the writer"] as const) {
  describe(`files in the home, ${way}`, () => {
    beforeEach(() => {
      files = openHome({ home, writerFd: way === "directly" ? null : writer.socket })
    })

    test("what is written is there, private, and alone", () => {
      files.write("ec2-environment.sh", "export A=1\n")
      expect(text("ec2-environment.sh")).toBe("export A=1\n")
      expect(modeOf("ec2-environment.sh")).toBe(0o600)
      expect(readdirSync(home)).toEqual(["ec2-environment.sh"])
    })

    test("a subdirectory is made, private", () => {
      files.write(".aws/credentials", "one")
      files.write(".aws/credentials", "two")
      expect(text(".aws/credentials")).toBe("two")
      expect(modeOf(".aws")).toBe(0o700)
    })

    test("a file that was open to all becomes private", () => {
      writeFileSync(at(".boto"), "old", { mode: 0o666 })
      files.write(".boto", "new")
      expect(modeOf(".boto")).toBe(0o600)
    })

    test("the old file is kept beside the new one when asked, over an older one", () => {
      writeFileSync(at(".s3cfg.old"), "oldest")
      writeFileSync(at(".s3cfg"), "mine")
      files.write(".s3cfg", "ours", { keepOld: true })
      expect(text(".s3cfg.old")).toBe("mine")
      expect(text(".s3cfg")).toBe("ours")
    })

    test("nothing is kept where nothing was", () => {
      files.write(".s3cfg", "ours", { keepOld: true })
      expect(readdirSync(home)).toEqual([".s3cfg"])
    })

    test("what was written can be read back, also when it is large or empty", () => {
      for (const content of ["", "ü\n", "x".repeat(4 * 1024 * 1024)]) {
        files.write("big", content)
        expect(files.read("big") === content).toBe(true)
      }
    })

    test("what is not there reads as null", () => {
      expect(files.read(".boto")).toBeNull()
      expect(files.read(".aws/credentials")).toBeNull()
      expect(readdirSync(home)).toEqual([])
    })

    test("a file of more than 4 MiB is neither read nor written", () => {
      writeFileSync(at("big"), "x".repeat(4 * 1024 * 1024 + 1))
      expect(() => files.read("big")).toThrow(/read .*big: /)
      expect(() => files.write("big", new Uint8Array(4 * 1024 * 1024 + 1))).toThrow(/at most 4 MiB/)
    })

    test("a link is replaced, not followed, and not read through", () => {
      writeFileSync(at("victim"), "precious")
      symlinkSync(at("victim"), at(".boto"))
      expect(() => files.read(".boto")).toThrow(/read .*\.boto: is a symbolic link/)
      files.write(".boto", "keys")
      expect(text("victim")).toBe("precious")
      expect(lstatSync(at(".boto")).isSymbolicLink()).toBe(false)
    })

    test("a link to nowhere is replaced, and nothing is made there", () => {
      symlinkSync(at("nowhere"), at(".boto"))
      files.write(".boto", "keys")
      expect(readdirSync(home)).toEqual([".boto"])
    })

    test("a pipe is replaced and does not hang a reader", () => {
      makePipe(at(".boto"))
      expect(() => files.read(".boto")).toThrow(/read .*\.boto: is not a regular file; move it away/)
      files.write(".boto", "keys")
      expect(lstatSync(at(".boto")).isFile()).toBe(true)
    })

    test("a directory in the way is an error that leaves nothing behind", () => {
      mkdirSync(at(".boto"))
      expect(() => files.write(".boto", "keys")).toThrow(/write .*\.boto: /)
      expect(readdirSync(home)).toEqual([".boto"])
    })

    test("a subdirectory that is a link is refused, wherever it leads", () => {
      mkdirSync(at("elsewhere"))
      symlinkSync(at("elsewhere"), at(".aws"))
      expect(() => files.write(".aws/credentials", "keys")).toThrow(
        /write .*credentials: .*\.aws:? is a symbolic link/,
      )
      expect(readdirSync(at("elsewhere"))).toEqual([])
    })

    for (const path of [
      "",
      ".",
      "..",
      "../x",
      "a/../b",
      "/etc/passwd",
      "a/b/c",
      "a//b",
      "a b",
      "x".repeat(64),
      "a\0b",
    ]) {
      test(`${JSON.stringify(path.slice(0, 12))} names no file in a home`, () => {
        expect(() => files.write(path, "x")).toThrow(/names no file in your home/)
        expect(() => files.read(path)).toThrow(/names no file in your home/)
      })
    }

    test("a probe succeeds and leaves nothing behind", () => {
      files.probe()
      expect(readdirSync(home)).toEqual([])
    })

    test("a home that is not there is an error that says so", () => {
      rmSync(home, { recursive: true })
      expect(() => files.probe()).toThrow(/no such file or directory/i)
      mkdirSync(home)
    })

    test.skipIf(process.getuid?.() !== 0)("a home or subdirectory of somebody else's is refused", () => {
      mkdirSync(at(".aws"))
      chownSync(at(".aws"), 4711, 4711)
      expect(() => files.write(".aws/credentials", "keys")).toThrow(/belongs to/)
      chownSync(home, 4711, 4711)
      expect(() => files.probe()).toThrow(/belongs to/)
      expect(readdirSync(home)).toEqual([".aws"])
    })
  })
}

describe("a writer in trouble", () => {
  beforeEach(() => {
    files = openHome({ home, writerFd: writer.socket })
  })

  test("killed: an error at once, and at every later try", async () => {
    writer.child.kill("SIGKILL")
    await writer.child.exited
    expect(() => files.write(".boto", "keys")).toThrow(/no help from the writer in your home: it is gone/)
    expect(() => files.probe()).toThrow(/it is gone/)
  })

  test("stopped: an error when its time is over, also in the middle of a file", () => {
    writer.child.kill("SIGSTOP")
    for (const content of [new Uint8Array(4), new Uint8Array(1 << 20)]) {
      const store = homeBehindWriter(writer.socket, home, 100)
      const file = { subdirectory: "", name: ".boto", keepOld: false, content }
      expect(() => store.write(file)).toThrow(/it does not answer/)
    }
  })

  test("spoken to in another tongue it leaves", async () => {
    writeSync(writer.socket, "GET / HTTP/1.1\r\n\r\n")
    expect(await writer.child.exited).toBe(0)
    expect(() => files.probe()).toThrow(/it is gone/)
  })
})
