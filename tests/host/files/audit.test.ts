import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Failed } from "../../../lib/base/errors.ts"
import { utcMsOf } from "../../../lib/base/time.ts"
import { systemClock } from "../../../lib/host/clock.ts"
import { auditLog } from "../../../lib/host/files/audit.ts"

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "audit-"))
  path = join(directory, "audit-log")
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const linesOf = () => readFileSync(path, "utf8").split("\n").slice(0, -1)

describe("the audit log", () => {
  test("has the old form: local time, login, message", () => {
    auditLog(path, { ...systemClock, now: () => utcMsOf(Date.UTC(2026, 10, 22, 12)) }).record(
      "cs61c-ab",
      "launch 3 t3.micro",
    )
    expect(linesOf()).toEqual([
      expect.stringMatching(/^2026-11-2\dT\d\d:00:00\.000000: cs61c-ab: launch 3 t3\.micro$/),
    ])
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test("legacy defect: CR and other control characters went through raw", () => {
    auditLog(path, systemClock).record("cs61c-ab", "a\nb\rc\u001b[2Jd\u0000\u202ee\u2066f\u200b")
    const [line, ...rest] = linesOf()
    expect(rest).toEqual([])
    expect(line).toEndWith(": cs61c-ab: a\\nb\\rc\\x1b[2Jd\\x00\\u202ee\\u2066f\\u200b")
  })

  test("legacy defect: the file was never closed", () => {
    const log = auditLog(path, systemClock)
    const descriptors = () =>
      Array.from(new Bun.Glob("*").scanSync({ cwd: "/proc/self/fd", onlyFiles: false })).length
    log.record("a", "first")
    const before = descriptors()
    for (let i = 0; i < 20; i++) log.record("a", "again")
    expect(descriptors()).toBe(before)
  })

  test("loses no line and mixes none when many processes write", async () => {
    const writer = `
      import { auditLog } from ${JSON.stringify(join(import.meta.dir, "../../../lib/host/files/audit.ts"))}
      import { systemClock } from ${JSON.stringify(join(import.meta.dir, "../../../lib/host/clock.ts"))}
      const log = auditLog(process.argv[1], systemClock)
      for (let i = 0; i < 50; i++) log.record("cs61c-" + process.argv[2], "line " + i + " " + "x".repeat(5000))`
    const writers = ["aa", "ab", "ac", "ad"].map((who) =>
      Bun.spawn([process.execPath, "-e", writer, path, who]),
    )
    expect(await Promise.all(writers.map(({ exited }) => exited))).toEqual([0, 0, 0, 0])
    const lines = linesOf()
    expect(lines.length).toBe(200)
    expect(lines.filter((line) => !/^[\d\-T:.]+: cs61c-a[a-d]: line \d+ x{5000}$/.test(line))).toEqual([])
  })

  test("says so when another process holds the lock", async () => {
    writeFileSync(path, "", { mode: 0o600 })
    const holder = Bun.spawn(["flock", path, "sh", "-c", "echo held; read line"], {
      stdin: "pipe",
      stdout: "pipe",
    })
    await holder.stdout.getReader().read()
    let now = 0
    const impatient = {
      ...systemClock,
      now() {
        now += 4000
        return utcMsOf(now)
      },
    }
    expect(() => auditLog(path, impatient).record("a", "x")).toThrow("held by another process")
    holder.stdin.end()
    await holder.exited
    auditLog(path, systemClock).record("a", "x")
    expect(linesOf().length).toBe(1)
  })

  test("refuses a log that others may read", () => {
    writeFileSync(path, "")
    chmodSync(path, 0o644)
    expect(() => auditLog(path, systemClock).record("a", "x")).toThrow("has mode 0644")
  })

  test.each(["symlink", "fifo", "directory"])("refuses a %s in its place", (kind) => {
    if (kind === "symlink") symlinkSync("/dev/null", path)
    if (kind === "fifo") Bun.spawnSync(["mkfifo", "-m", "600", path])
    if (kind === "directory") Bun.spawnSync(["mkdir", "-m", "700", path])
    expect(() => auditLog(path, systemClock).record("a", "x")).toThrow("audit log")
  })

  test("a refusal's line has at most 2000 bytes, cut at a character, with a digest of the whole", () => {
    auditLog(path, systemClock).record("cs61c-ab", `launch refused: ${"\u00e9".repeat(20_000)}`, "refusal")
    const [line = ""] = linesOf()
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(2000)
    expect(line).toMatch(/: cs61c-ab: launch refused: \u00e9+ \.\.\. \(40016 bytes, sha256 [0-9a-f]{16}\)$/)
  })

  test("of one login and hour 40 refusals are written, and later how many more there were", () => {
    let now = utcMsOf(Date.UTC(2026, 10, 22, 12))
    const options = { sharesDirectory: join(directory, "shares") }
    const log = auditLog(path, { ...systemClock, now: () => now }, options)
    for (let i = 0; i < 100; i++) log.record("cs61c-ab", `refused ${i}`, "refusal")
    log.record("cs61c-aa", "refused, another's", "refusal")
    log.record("cs61c-ab", "launched i-1")
    log.record("cs61c-ab", "terminate i-1", "regardless")
    expect(linesOf()).toHaveLength(43)
    log.catchUp()
    expect(linesOf()).toHaveLength(43)
    now = utcMsOf(now + 3_600_000)
    log.catchUp()
    log.catchUp()
    expect(linesOf()).toHaveLength(44)
    expect(linesOf().at(-1)).toEndWith(": cs61c-ab: 60 more refused in the hour from 2026-11-22T12:00:00Z")
  })

  test("a login whose lines have used up its share of the day makes nothing more, until tomorrow", () => {
    let now = utcMsOf(Date.UTC(2026, 10, 22, 12))
    const options = { sharesDirectory: join(directory, "shares") }
    const log = auditLog(path, { ...systemClock, now: () => now }, options)
    for (let i = 0; i < 300; i++) log.record("cs61c-ab", "x".repeat(15_000))
    expect(() => log.requireRoom("cs61c-ab")).toThrow("cs61c-ab has changed too much today")
    log.requireRoom("cs61c-aa")
    log.record("cs61c-ab", "terminate i-1", "regardless")
    expect(linesOf().at(-1)).toEndWith("terminate i-1")
    now = utcMsOf(now + 12 * 3_600_000)
    log.requireRoom("cs61c-ab")
  })

  test("what ends something is said and kept where the log takes nothing, and written with the next line", () => {
    const said: string[] = []
    const log = auditLog(path, systemClock, { lateDirectories: [directory], say: (line) => said.push(line) })
    writeFileSync(path, "")
    chmodSync(path, 0o644)
    log.record("enforcement", "terminate i-1 of cs61c-ab", "regardless")
    log.record("enforcement", "terminate i-1: done", "regardless")
    expect(() => log.record("cs61c-ab", "launch 1 t3.micro")).toThrow("has mode 0644")
    expect(said).toHaveLength(2)
    expect(said[0]).toMatch(
      /^not in the audit log \(.*has mode 0644.*\): .*: enforcement: terminate i-1 of cs61c-ab$/,
    )
    expect(log.late()).toBe(2)
    chmodSync(path, 0o600)
    log.catchUp()
    expect(linesOf().map((line) => line.replace(/^[^ ]* /, ""))).toEqual([
      "enforcement: terminate i-1 of cs61c-ab",
      "enforcement: terminate i-1: done",
    ])
    expect(log.late()).toBe(0)
  })

  test("a row that the ledger does not take waits for it, where what it records cannot wait", () => {
    const said: string[] = []
    let state: "away" | "full" | "fine" = "away"
    const rows: string[] = []
    const take = (message: string) => {
      if (state === "full") throw new Failed("database", "the disk is full")
      rows.push(message)
    }
    const log = auditLog(path, systemClock, {
      lateDirectories: [directory],
      say: (line) => said.push(line),
      chain: () => {
        if (state === "away") throw new Failed("database", "cannot be reached")
        return {
          append: ({ message }) => take(message),
          add: (entry, late) => {
            for (const { message } of entry ? [...late, entry] : late) take(message)
          },
        }
      },
    })
    log.record("cs61c", "setup before init_dbs")
    expect(log.late()).toBe(1)
    state = "full"
    log.record("enforcement", "terminate i-1", "regardless")
    expect(() => log.record("cs61c-ab", "launch 1 t3.micro")).toThrow("the disk is full")
    expect(said).toEqual([expect.stringMatching(/^not in the audit log \(.*disk is full.*: terminate i-1$/)])
    expect(linesOf()).toHaveLength(2)
    state = "fine"
    const writeLine = log.chain("cs61c-ab", "launch 2 t3.micro")
    expect(linesOf()).toHaveLength(2)
    writeLine()
    log.record("cs61c-ab", "launched")
    expect(rows).toEqual(["launch 2 t3.micro", "setup before init_dbs", "terminate i-1", "launched"])
    expect(log.late()).toBe(0)
    expect(linesOf().map((line) => line.replace(/.*: /, ""))).toEqual([
      "setup before init_dbs",
      "terminate i-1",
      "launch 2 t3.micro",
      "launched",
    ])
  })

  test("no row that waits is lost while another process brings those before it in", async () => {
    const script = `
      import { auditLog } from ${JSON.stringify(join(import.meta.dir, "../../../lib/host/files/audit.ts"))}
      import { systemClock } from ${JSON.stringify(join(import.meta.dir, "../../../lib/host/clock.ts"))}
      let isAway = true
      const chain = () => {
        if (isAway) throw new Error("away")
        return { append() {}, add: (entry, late) => { for (const { message } of entry ? [...late, entry] : late) console.log(message) } }
      }
      const log = auditLog(process.argv[1], systemClock, { lateDirectories: [${JSON.stringify(directory)}], chain })
      for (let i = 0; i < 100; i++) {
        isAway = i % 2 === 0
        log.record("a", process.argv[2] + " " + i)
      }`
    const writers = ["x", "y", "z"].map((who) =>
      Bun.spawn([process.execPath, "-e", script, path, who], { stdout: "pipe" }),
    )
    const texts = await Promise.all(writers.map(({ stdout }) => new Response(stdout).text()))
    const rows = texts.flatMap((text) => text.trim().split("\n"))
    expect(rows.length).toBe(300)
    expect(new Set(rows).size).toBe(300)
  })
})
