import { describe, expect, test } from "bun:test"
import { freeSpace, mountOf } from "../../../lib/host/files/mounts.ts"

const table = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /usr rw,nosuid,nodev - ext4 /dev/sdb1 rw
31 30 0:26 / /usr/bin rw - tmpfs tmpfs rw
32 31 0:27 / /usr/bin ro,noexec - tmpfs tmpfs rw
33 22 0:28 / /usr/b\\040c rw - tmpfs tmpfs rw
`

describe("the mount of a path", () => {
  test("is the one with the longest name above it, and of two on one point the later", () => {
    expect(mountOf("/", table)).toEqual({ point: "/", options: ["rw", "relatime"] })
    expect(mountOf("/usr/lib", table).options).toContain("nosuid")
    expect(mountOf("/usr/bin/env", table).options).toEqual(["ro", "noexec"])
  })

  test("is not one whose name only begins alike", () => {
    expect(mountOf("/usr/bin", table.replace("/usr/bin ", "/usr/bi ")).point).not.toBe("/usr/bi")
  })

  test("is found in this machine's own table, and has some room", () => {
    expect(mountOf("/").point).toBe("/")
    expect(freeSpace("/").share).toBeWithin(0, 1.01)
  })
})
